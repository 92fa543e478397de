import type { Bus } from '@aimq/events'
import { chooseQueues, type QueueChoice } from './choose-queues.ts'
import { CliError } from './cli-error.ts'
import type { Context } from './context.ts'
import { exitCode } from './exit-code.ts'
import { isWorked } from './is-worked.ts'
import { queueTriggers } from './trigger-state.ts'
import { cannotHaveTrigger, unfitness } from './unfit.ts'

/** The queues that are to have triggers. One that cannot have any takes it from no other: it is left out, and named. */
export async function chooseForTriggers(
  context: Context,
  bus: Bus,
  choice: Pick<QueueChoice, 'named' | 'all' | 'question'>,
): Promise<readonly string[]> {
  // Of those named by hand the step itself says what is wrong.
  const states = choice.named.length > 0 ? undefined : await queueTriggers(bus, context.signal)
  const queues = await chooseQueues(context, bus, {
    ...choice,
    among: isWorked,
    unfit: (info) => {
      const state = states?.get(info.queue)
      const tableGone = state !== undefined && cannotHaveTrigger(state)
      return unfitness(info) ?? (tableGone ? 'it has no table' : undefined)
    },
  })
  if (queues.length > 0) return queues
  throw new CliError(
    `expected a queue that can have a trigger, got none; create one: ${context.program} create <queue>`,
    exitCode.configuration,
  )
}
