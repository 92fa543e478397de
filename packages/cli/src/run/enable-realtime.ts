import { changeLines } from '../changes.ts'
import { chooseForTriggers } from '../choose-for-triggers.ts'
import type { Context } from '../context.ts'
import { folderOf } from '../migration.ts'
import { chooseTriggerPaths, type PathWish } from '../trigger-paths.ts'
import { pathsWord } from '../trigger-state.ts'
import { withBus } from '../with-bus.ts'

export interface EnableOptions {
  readonly all?: boolean
  readonly path?: PathWish
  readonly policy?: boolean
  readonly replaceForeign?: boolean
  readonly migration?: string | true
}

export async function run(context: Context, options: EnableOptions, named: readonly string[]): Promise<void> {
  const { output, signal, program } = context
  if (options.migration !== undefined && named.length > 0) {
    const { writeTriggers } = await import('../triggers-migration.ts')
    return writeTriggers(context, named, { ...options, folder: folderOf(options.migration) })
  }
  await withBus(context, { needs: ['queue', 'triggers'] }, async ({ bus, database }) => {
    const question = 'Which queues are to wake their workers?'
    const queues = await chooseForTriggers(context, bus, { named, all: options.all, question })
    if (options.migration !== undefined) {
      const { writeTriggers } = await import('../triggers-migration.ts')
      return writeTriggers(context, queues, { ...options, folder: folderOf(options.migration) })
    }
    const paths = await chooseTriggerPaths(options.path, database)
    const { policy, replaceForeign } = options
    const { changes } = await bus.request(
      'triggers:install',
      {
        queues,
        paths,
        ...(policy === undefined ? {} : { policy }),
        ...(replaceForeign === undefined ? {} : { replaceForeign }),
      },
      { signal },
    )
    if (output.json) {
      output.data({ queues, paths, changes })
      return
    }
    if (changes.length > 0) output.line(changeLines(output, changes))
    const tick = output.style('green', '✓')
    output.line(`${tick} new jobs in ${queues.join(', ')} wake their workers (${pathsWord(paths)})`)
    output.note(`Watch it:  ${program} realtime listen`)
  })
}
