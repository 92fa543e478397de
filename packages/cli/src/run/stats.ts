import type { Bus, QueueMetrics } from '@aimq/events'
import type { Context } from '../context.ts'
import { measure } from '../measure.ts'
import { count, duration } from '../show.ts'
import { type Column, table } from '../table.ts'
import { unfitness } from '../unfit.ts'
import { withBus } from '../with-bus.ts'

export async function run(context: Context, _options: object, named: readonly string[]): Promise<void> {
  const { output } = context
  await withBus(context, { needs: ['queue'] }, async ({ bus }) => {
    const rows = named.length > 0 ? await countNamed(context, bus, named) : await countAll(context, bus)
    if (output.json) output.data(rows)
    else output.line(await table(output, columns, rows))
  })
}

const countNamed = ({ signal }: Context, bus: Bus, named: readonly string[]): Promise<QueueMetrics[]> =>
  Promise.all(named.map((queue) => bus.request('queue:metrics', { queue }, { signal })))

/** Nobody asked for one that cannot be counted, so it is only said. */
async function countAll({ output, signal }: Context, bus: Bus): Promise<QueueMetrics[]> {
  const { queues } = await bus.request('queue:list', {}, { signal })
  const metrics = await measure(
    bus,
    queues.map(({ queue }) => queue),
    signal,
  )
  for (const info of queues) {
    if (metrics.has(info.queue)) continue
    const reason = unfitness(info) ?? 'its tables are gone, or this role may not read them'
    output.note(`${output.noteStyle('yellow', '!')} ${info.queue} is not counted: ${reason}`)
  }
  return [...metrics.values()]
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
