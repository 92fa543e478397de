import type { QueueMetrics } from '@aimq/events'
import type { Context } from '../context.ts'
import { deadLetterQueues } from '../dead-letter-queues.ts'
import { measure } from '../measure.ts'
import { count, duration } from '../show.ts'
import { table } from '../table.ts'
import { withBus } from '../with-bus.ts'

export async function run(context: Context, { empty }: { readonly empty?: boolean }): Promise<void> {
  const { output, signal, program } = context
  await withBus(context, { needs: ['queue'] }, async ({ bus }) => {
    const metrics = [...(await measure(bus, await deadLetterQueues(bus, signal), signal)).values()]
    const rows = metrics.filter(({ total }) => empty === true || total > 0)
    if (output.json) {
      output.data(rows)
      return
    }
    if (rows.length === 0) {
      output.line('There are no dead letters.')
      return
    }
    output.line(
      await table<QueueMetrics>(
        output,
        [
          { title: 'DEAD-LETTER QUEUE', value: ({ queue }) => queue, style: 'bold' },
          { title: 'LETTERS', align: 'right', value: ({ total }) => count(total) },
          {
            title: 'OLDEST',
            align: 'right',
            value: ({ oldestReadyMs }) => (oldestReadyMs === null ? '–' : duration(oldestReadyMs)),
          },
        ],
        rows,
      ),
    )
    output.note(`Why: ${program} dlq show ${rows[0]?.queue}`)
  })
}
