import { changeLines } from '../changes.ts'
import { chooseForTriggers } from '../choose-for-triggers.ts'
import type { Context } from '../context.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import { chooseTriggerPaths } from '../trigger-paths.ts'
import { withBus } from '../with-bus.ts'
import type { EnableOptions } from './enable-realtime.ts'

export interface PlanOptions extends Omit<EnableOptions, 'migration'> {
  readonly sql?: boolean
  readonly exitCode?: boolean
}

export async function run(
  context: Context,
  options: PlanOptions,
  named: readonly string[],
): Promise<ExitCode> {
  const { output, signal } = context
  return withBus(context, { needs: ['queue', 'triggers'] }, async ({ bus, database }) => {
    const question = 'A plan for which queues?'
    const queues = await chooseForTriggers(context, bus, { named, all: options.all, question })
    const { policy, replaceForeign } = options
    const { changes } = await bus.request(
      'triggers:plan',
      {
        queues,
        paths: await chooseTriggerPaths(options.path, database),
        ...(policy === undefined ? {} : { policy }),
        ...(replaceForeign === undefined ? {} : { replaceForeign }),
      },
      { signal },
    )
    if (output.json) output.data({ changes })
    else if (changes.length === 0) output.line('Nothing would change.')
    else output.line(changeLines(output, changes, options.sql))
    return options.exitCode === true && changes.length > 0 ? exitCode.findings : exitCode.ok
  })
}
