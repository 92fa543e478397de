import { changeLines } from '../changes.ts'
import type { Context } from '../context.ts'
import { withBus } from '../with-bus.ts'

export async function run(context: Context, _options: object, named: readonly string[]): Promise<void> {
  const { output, signal } = context
  await withBus(context, { needs: ['queue', 'triggers'] }, async ({ bus }) => {
    const { changes } = await bus.request('triggers:repair', named.length > 0 ? { queues: named } : {}, {
      signal,
    })
    if (output.json) output.data({ changes })
    else if (changes.length === 0) output.line('There is nothing to mend.')
    else output.line(changeLines(output, changes))
  })
}
