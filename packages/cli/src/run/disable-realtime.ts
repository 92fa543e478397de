import { changeLines } from '../changes.ts'
import { chooseQueues } from '../choose-queues.ts'
import type { Context } from '../context.ts'
import { isWorked } from '../is-worked.ts'
import { folderOf } from '../migration.ts'
import { queueTriggers } from '../trigger-state.ts'
import { withBus } from '../with-bus.ts'

export interface DisableOptions {
  readonly all?: boolean
  readonly migration?: string | true
}

export async function run(
  context: Context,
  options: DisableOptions,
  named: readonly string[],
): Promise<void> {
  const { output, signal } = context
  if (options.migration !== undefined && named.length > 0) {
    const { writeTriggers } = await import('../triggers-migration.ts')
    return writeTriggers(context, named, { remove: true, folder: folderOf(options.migration) })
  }
  await withBus(context, { needs: ['queue', 'triggers'] }, async ({ bus }) => {
    const triggers = await queueTriggers(bus, signal)
    const question = 'Which queues are not to wake their workers any more?'
    const among = (queue: string) => isWorked(queue) && triggers?.get(queue)?.installed === true
    const queues = await chooseQueues(context, bus, { named, all: options.all, question, among })
    if (queues.length === 0) return sayNothingInstalled(context)
    if (options.migration !== undefined) {
      const { writeTriggers } = await import('../triggers-migration.ts')
      return writeTriggers(context, queues, { remove: true, folder: folderOf(options.migration) })
    }
    const { changes } = await bus.request('triggers:remove', { queues }, { signal })
    if (output.json) {
      output.data({ queues, changes })
      return
    }
    if (changes.length > 0) output.line(changeLines(output, changes))
    output.line(`${output.style('green', '✓')} workers of ${queues.join(', ')} find new jobs by polling`)
  })
}

/** What was wanted is so already. */
function sayNothingInstalled({ output }: Context): void {
  if (output.json) output.data({ queues: [], changes: [] })
  else output.line('No queue has a trigger: workers find new jobs by polling.')
}
