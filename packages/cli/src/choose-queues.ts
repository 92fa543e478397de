import type { Bus, QueueInfo } from '@aimq/events'
import { CliError } from './cli-error.ts'
import type { Context } from './context.ts'
import { exitCode } from './exit-code.ts'
import { unfitness } from './unfit.ts'

interface Offer {
  /** The question, where a person may choose. */
  readonly question: string
  /** Which queues are offered, and meant by `--all`. */
  readonly among: (queue: string) => boolean
  /** Why one of those is left out nevertheless. By default: AIMQ does not work it. */
  readonly unfit?: (info: QueueInfo) => string | undefined
}

export interface QueueChoice extends Offer {
  readonly named: readonly string[]
  readonly all?: boolean | undefined
}

/**
 * The queues a command is about: those named, all of them, or those a person picks. Never a question without a terminal.
 * Empty: there are queues, and none that is meant.
 */
export async function chooseQueues(
  context: Context,
  bus: Bus,
  { named, all, ...offer }: QueueChoice,
): Promise<readonly string[]> {
  if (named.length > 0 && all === true) throw new CliError('expected names of queues or --all, got both')
  if (named.length > 0) return [...new Set(named)]
  if (all !== true && !context.output.interactive)
    throw new CliError('expected the name of a queue, or --all')
  const offered = await offeredQueues(context, bus, offer)
  if (all === true || offered.length === 0) return offered
  const { multiselect, isCancel } = await import('@clack/prompts')
  const answer = await multiselect({ ...prompt(context, offer, offered) })
  if (isCancel(answer)) throw new CliError('nothing was done', exitCode.interrupted)
  return answer
}

/** The one queue that a command is about; undefined: there is none to choose. */
export async function chooseQueue(context: Context, bus: Bus, offer: Offer): Promise<string | undefined> {
  const offered = await offeredQueues(context, bus, offer)
  if (offered.length === 0) return undefined
  const { select, isCancel } = await import('@clack/prompts')
  const answer = await select({ ...prompt(context, offer, offered) })
  if (isCancel(answer)) throw new CliError('nothing was done', exitCode.interrupted)
  return answer
}

/** Before anything is opened: where nobody can be asked, a command that is about a queue has to be told which. */
export function expectNamed(
  { output, program }: Pick<Context, 'output' | 'program'>,
  named: string | readonly string[] | undefined,
  command: string,
): void {
  if (output.interactive || (named !== undefined && named.length > 0)) return
  throw new CliError(`missing required argument 'queue'\nTry: ${program} ${command} --help`)
}

async function offeredQueues(
  { output, signal, program }: Context,
  bus: Bus,
  { among, unfit = unfitness }: Offer,
): Promise<string[]> {
  const { queues } = await bus.request('queue:list', {}, { signal })
  if (queues.length === 0)
    throw new CliError(`there is no queue yet; create one: ${program} create <queue>`, exitCode.configuration)
  const offered: string[] = []
  for (const info of queues) {
    if (!among(info.queue)) continue
    const reason = unfit(info)
    if (reason === undefined) offered.push(info.queue)
    else output.note(`${output.noteStyle('yellow', '!')} left out ${info.queue}: ${reason}`)
  }
  return offered
}

const prompt = ({ signal }: Context, { question }: Offer, offered: readonly string[]) => ({
  message: question,
  options: offered.map((queue) => ({ value: queue, label: queue })),
  output: process.stderr,
  signal,
})
