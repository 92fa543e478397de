import type { QueueMetrics } from '@aimq/events'
import { chooseQueues, expectNamed } from '../choose-queues.ts'
import { confirmLoss } from '../confirm.ts'
import type { Context } from '../context.ts'
import { counted } from '../show.ts'
import { type Session, withBus } from '../with-bus.ts'

export interface PurgeOptions {
  readonly yes?: boolean
}

export async function run(context: Context, options: PurgeOptions, named: readonly string[]): Promise<void> {
  expectNamed(context, named, 'purge')
  await withBus(context, { needs: ['queue'] }, async (session) => {
    const question = 'Which queues are to lose their messages?'
    const queues = await chooseQueues(context, session.bus, { named, question, among: () => true })
    if (queues.length === 0) return context.output.line('There is no queue that can be purged.')
    await purge(context, session, options, queues)
  })
}

/** Deletes every message of these, if that is what is wanted. */
export async function purge(
  context: Context,
  { bus, database }: Session,
  { yes }: PurgeOptions,
  queues: readonly string[],
): Promise<void> {
  const { output, signal } = context
  const metrics = await Promise.all(
    queues.map((queue) => bus.request('queue:metrics', { queue }, { signal })),
  )
  await confirmLoss(context, database, `This deletes every message of ${metrics.map(loss).join(', ')}`, yes)
  const purged: { queue: string; count: number }[] = []
  for (const queue of queues) {
    const { count } = await bus.request('queue:purge', { queue }, { signal })
    purged.push({ queue, count })
    output.line(`${output.style('green', '✓')} deleted ${counted(count, 'message')} of ${queue}`)
  }
  if (output.json) output.data({ purged })
}

function loss({ queue, total, leased }: QueueMetrics): string {
  const inHand = leased > 0 ? `, ${leased} of them in hand` : ''
  return `${queue} (${counted(total, 'message')}${inHand})`
}
