import { type QueueInfo, type QueueMetrics, queueNamePattern, type TriggerState } from '@aimq/events'
import type { Context } from '../context.ts'
import { isWorked } from '../is-worked.ts'
import { measure } from '../measure.ts'
import { count, duration } from '../show.ts'
import { type Column, table } from '../table.ts'
import { queueTriggers, wakeUpWord } from '../trigger-state.ts'
import { unfitness } from '../unfit.ts'
import { withBus } from '../with-bus.ts'

interface Row {
  readonly info: QueueInfo
  /** Undefined: this role may not count them, or the queue is unlogged. */
  readonly metrics: QueueMetrics | undefined
  readonly trigger: TriggerState | undefined
}

export async function run(context: Context): Promise<void> {
  const { output, signal, program } = context
  await withBus(context, { needs: ['queue'], likes: ['triggers'] }, async ({ bus }) => {
    const { queues } = await bus.request('queue:list', {}, { signal })
    const triggers = await queueTriggers(bus, signal)
    const metrics = await measure(
      bus,
      queues.map(({ queue }) => queue),
      signal,
    )
    const rows = queues.map((info) => ({
      info,
      metrics: metrics.get(info.queue),
      trigger: triggers?.get(info.queue),
    }))
    if (output.json) {
      output.data(
        rows.map(({ info, metrics, trigger }) => ({ ...info, metrics, ...(triggers && { trigger }) })),
      )
      return
    }
    if (rows.length === 0) {
      output.line(`There is no queue yet. Create one: ${program} create emails`)
      return
    }
    output.line(await table(output, columns(triggers !== undefined), rows))
    // Whoever has queues and never created one here would not hear of it.
    const polled = rows.find(({ info, trigger }) => trigger?.installed === false && canBeWoken(info))
    if (polled !== undefined)
      output.note(`Wake workers at once: ${program} enable-realtime ${polled.info.queue}`)
  })
}

const number = (title: string, of: (metrics: QueueMetrics) => number): Column<Row> => ({
  title,
  align: 'right',
  value: ({ metrics }) => (metrics === undefined ? '–' : count(of(metrics))),
})

function columns(withTriggers: boolean): Column<Row>[] {
  return [
    { title: 'QUEUE', value: ({ info }) => info.queue, style: 'bold' },
    number('READY', ({ ready }) => ready),
    number('IN HAND', ({ leased }) => leased),
    number('SCHEDULED', ({ scheduled }) => scheduled),
    {
      title: 'OLDEST',
      align: 'right',
      value: ({ metrics }) => (metrics?.oldestReadyMs == null ? '–' : duration(metrics.oldestReadyMs)),
    },
    number('ARCHIVED', ({ archived }) => archived),
    ...(withTriggers ? [{ title: 'WAKE-UPS', value: wakeUps }] : []),
    { title: '', value: ({ info }) => remarks(info) },
  ]
}

const canBeWoken = (info: QueueInfo): boolean => isWorked(info.queue) && unfitness(info) === undefined

/** A dead-letter queue is not worked, so nobody has to be woken for it. */
const wakeUps = ({ info, trigger }: Row): string =>
  !isWorked(info.queue) && !trigger?.installed ? '–' : wakeUpWord(trigger)

const remarks = ({ queue, partitioned, unlogged }: QueueInfo): string =>
  [
    ...(queueNamePattern.test(queue) ? [] : ['no name that AIMQ works with']),
    ...(partitioned ? ['partitioned'] : []),
    ...(unlogged ? ['unlogged: loses its messages in a crash'] : []),
  ].join(', ')
