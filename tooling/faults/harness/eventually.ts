import { setTimeout as sleep } from 'node:timers/promises'

/** Polls until `condition` holds; for what no event tells, such as the lines of another process's file. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 40_000,
): Promise<void> {
  const until = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > until) throw new Error(`expected within ${limitMs} ms: ${what}`)
    await sleep(20)
  }
}
