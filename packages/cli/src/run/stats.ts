import type { QueueMetrics } from '@aimq/events'
import type { Context } from '../context.ts'
import { count, duration } from '../show.ts'
import { type Column, table } from '../table.ts'
import { withBus } from '../with-bus.ts'

export async function run(context: Context, _options: object, named: readonly string[]): Promise<void> {
  const { output, signal } = context
  await withBus(context, { needs: ['queue'] }, async ({ bus }) => {
    const queues =
      named.length > 0
        ? named
        : (await bus.request('queue:list', {}, { signal })).queues.map(({ queue }) => queue)
    const rows = await Promise.all(queues.map((queue) => bus.request('queue:metrics', { queue }, { signal })))
    if (output.json) output.data(rows)
    else output.line(await table(output, columns, rows))
  })
}

const number = (title: string, of: (metrics: QueueMetrics) => number): Column<QueueMetrics> => ({
  title,
  align: 'right',
  value: (metrics) => count(of(metrics)),
})

const columns: readonly Column<QueueMetrics>[] = [
  { title: 'QUEUE', value: ({ queue }) => queue, style: 'bold' },
  number('TOTAL', ({ total }) => total),
  number('READY', ({ ready }) => ready),
  number('IN HAND', ({ leased }) => leased),
  number('SCHEDULED', ({ scheduled }) => scheduled),
  {
    title: 'OLDEST',
    align: 'right',
    value: ({ oldestReadyMs }) => (oldestReadyMs === null ? '–' : duration(oldestReadyMs)),
  },
  number('ARCHIVED', ({ archived }) => archived),
]
