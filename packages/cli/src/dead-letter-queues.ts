import { type Bus, queueNamePattern } from '@aimq/events'
import { chooseQueue } from './choose-queues.ts'
import { CliError } from './cli-error.ts'
import type { Context } from './context.ts'
import { isDeadLetter } from './dead-letters.ts'
import { exitCode } from './exit-code.ts'
import { isWorked } from './is-worked.ts'
import { uncountable } from './measure.ts'
import { unfitness } from './unfit.ts'

/** Enough to tell jobs that wait from dead letters. */
const lookedAt = 100

/** Those with the usual name, and those of a name of their own that hold dead letters. */
export async function deadLetterQueues(bus: Bus, signal: AbortSignal): Promise<string[]> {
  const { queues } = await bus.request('queue:list', {}, { signal })
  const found = await Promise.all(
    queues.map(async (info) => {
      if (!isWorked(info.queue)) return [info.queue]
      if (unfitness(info) !== undefined) return []
      return (await look(bus, info.queue, { limit: 1, signal })) === 'letters' ? [info.queue] : []
    }),
  )
  return found.flat()
}

/** The one that is named, or that a person picks; undefined: there is none to pick. */
export async function chooseDeadLetterQueue(
  context: Context,
  bus: Bus,
  named: string | undefined,
  question: string,
): Promise<string | undefined> {
  if (named !== undefined) return findDeadLetterQueue(context, bus, named)
  const names = new Set(await deadLetterQueues(bus, context.signal))
  return chooseQueue(context, bus, { question, among: (queue) => names.has(queue) })
}

/** `emails` and `emails_dlq` both mean the second; `failed_mail` means itself where it is what `deadLetterQueue` named. */
async function findDeadLetterQueue({ signal, program }: Context, bus: Bus, named: string): Promise<string> {
  const usual = named.endsWith('_dlq') ? named : `${named}_dlq`
  const { queues } = await bus.request('queue:list', {}, { signal })
  const there = new Set(queues.map(({ queue }) => queue))
  if (there.has(usual) || (!there.has(named) && queueNamePattern.test(usual))) return usual
  if (!there.has(named) || (await look(bus, named, { limit: lookedAt, signal })) !== 'jobs') return named
  // Or `dlq purge` would delete jobs that nobody has given up.
  throw new CliError(
    `expected a dead-letter queue, got ${named}, which holds jobs that nobody has given up, and there is no ${usual}; see ${program} dlq list`,
    exitCode.configuration,
  )
}

async function look(
  bus: Bus,
  queue: string,
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
): Promise<'letters' | 'jobs' | 'nothing'> {
  try {
    const { messages } = await bus.request('queue:peek', { queue, limit }, { signal })
    if (messages.length === 0) return 'nothing'
    return messages.every(isDeadLetter) ? 'letters' : 'jobs'
  } catch (thrown) {
    // Who wants something of it is told why then.
    if (uncountable.test((thrown as { code?: string }).code ?? '')) return 'nothing'
    throw thrown
  }
}
