import type { Bus } from '../bus.ts'
import type { FactName, Facts } from '../contract.ts'

export type RecordedFact = {
  [Name in FactName]: { readonly name: Name; readonly fact: Facts[Name] }
}[FactName]

/** Every fact of the given names, in order, from now on. */
export function recordFacts<Name extends FactName>(
  bus: Bus,
  ...names: readonly Name[]
): Extract<RecordedFact, { name: Name }>[] {
  const recorded: { name: Name; fact: Facts[Name] }[] = []
  for (const name of names) bus.on(name, (fact) => void recorded.push({ name, fact }))
  return recorded as unknown as Extract<RecordedFact, { name: Name }>[]
}

/** Resolves with the next fact of that name that `matches`; rejects after `timeoutMs` (default 10 s), saying what came instead. */
export async function nextFact<Name extends FactName>(
  bus: Bus,
  name: Name,
  matches: (fact: Facts[Name]) => boolean = () => true,
  timeoutMs = 10_000,
): Promise<Facts[Name]> {
  const { promise, resolve, reject } = Promise.withResolvers<Facts[Name]>()
  const others: unknown[] = []
  using _ = bus.on(name, (fact) => (matches(fact) ? resolve(fact) : void others.push(fact)))
  const timer = setTimeout(() => {
    reject(
      new Error(`expected a fact "${name}" within ${timeoutMs} ms; came instead: ${JSON.stringify(others)}`),
    )
  }, timeoutMs)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}
