import { assertQueueName } from '@aimq/events'
import { confirmLoss } from '../confirm.ts'
import type { Context } from '../context.ts'
import { counted } from '../show.ts'
import { withBus } from '../with-bus.ts'

export async function run(
  context: Context,
  { yes }: { readonly yes?: boolean },
  named: readonly string[],
): Promise<void> {
  const { output, signal } = context
  for (const queue of named) assertQueueName(queue)
  await withBus(context, { needs: ['queue'] }, async ({ bus, database }) => {
    const metrics = await Promise.all(
      named.map((queue) => bus.request('queue:metrics', { queue }, { signal })),
    )
    const losses = metrics.map(({ queue, total, leased }) => {
      const inHand = leased > 0 ? `, ${leased} of them in hand` : ''
      return `${queue} (${counted(total, 'message')}${inHand})`
    })
    await confirmLoss(context, database, `This deletes every message of ${losses.join(', ')}`, yes)
    const purged: { queue: string; count: number }[] = []
    for (const queue of named) {
      const { count } = await bus.request('queue:purge', { queue }, { signal })
      purged.push({ queue, count })
      output.line(`${output.style('green', '✓')} deleted ${counted(count, 'message')} of ${queue}`)
    }
    if (output.json) output.data({ purged })
  })
}
