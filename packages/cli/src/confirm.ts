import type { Bus } from '@aimq/events'
import { CliError } from './cli-error.ts'
import type { Context } from './context.ts'
import type { Database } from './database.ts'
import { exitCode } from './exit-code.ts'

/**
 * Before something is lost: `--yes`, or a yes on a terminal. `what` is a sentence about what is lost, and the host is
 * named with it.
 */
export async function confirmLoss(
  { output, signal }: Pick<Context, 'output' | 'signal'>,
  { location }: Database,
  what: string,
  yes: boolean | undefined,
): Promise<void> {
  if (yes === true) return
  if (!output.interactive) throw new CliError(`${what} on ${location}; add --yes to do so`)
  const { confirm, isCancel } = await import('@clack/prompts')
  const message = `${what} on ${location}. Go on?`
  const answer = await confirm({ message, initialValue: false, output: process.stderr, signal })
  if (isCancel(answer) || !answer) throw new CliError('nothing was done', exitCode.interrupted)
}

export interface QueueChoice {
  readonly named: readonly string[]
  readonly all?: boolean | undefined
  /** The question, where a person may choose. */
  readonly question: string
  /** Which queues are offered, and meant by `--all`. */
  readonly among: (queue: string) => boolean
}

/** The queues a command is about: those named, all of them, or those a person picks. Never a question without a terminal. */
export async function chooseQueues(
  { output, signal, program }: Context,
  bus: Bus,
  { named, all, question, among }: QueueChoice,
): Promise<string[]> {
  if (named.length > 0 && all === true) throw new CliError('expected names of queues or --all, got both')
  if (named.length > 0) return [...new Set(named)]
  if (all !== true && !output.interactive) throw new CliError('expected the name of a queue, or --all')
  const { queues } = await bus.request('queue:list', {}, { signal })
  const offered = queues.map(({ queue }) => queue).filter(among)
  if (offered.length === 0)
    throw new CliError(`there is no queue yet; create one: ${program} create <queue>`, exitCode.configuration)
  if (all === true) return offered
  const { multiselect, isCancel } = await import('@clack/prompts')
  const options = offered.map((queue) => ({ value: queue, label: queue }))
  const answer = await multiselect({ message: question, options, output: process.stderr, signal })
  if (isCancel(answer)) throw new CliError('nothing was done', exitCode.interrupted)
  return answer
}

/** What holds dead letters is not worked, so it is not offered. */
export const isWorked = (queue: string): boolean => !queue.endsWith('_dlq')
