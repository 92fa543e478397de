import { queueNameOf } from '@aimq/events'
import type { Context } from '../context.ts'
import { firstHealth } from '../first-health.ts'
import { withRealtime } from '../with-realtime.ts'
import { pathNames } from './realtime-status.ts'

const connectedWithinMs = 10_000

export interface BroadcastOptions {
  readonly count?: number
  readonly due?: number
}

export async function run(context: Context, options: BroadcastOptions, queue: string): Promise<void> {
  const { output, signal } = context
  queueNameOf(queue)
  await withRealtime(context, async ({ bus }) => {
    await firstHealth(bus, connectedWithinMs, signal)
    const { paths } = await bus.request(
      'realtime:broadcast',
      {
        queue,
        ...(options.count === undefined ? {} : { count: options.count }),
        ...(options.due === undefined ? {} : { dueInMs: options.due }),
      },
      { signal },
    )
    if (output.json) output.data({ queue, paths })
    else
      output.line(
        `${output.style('green', '✓')} told workers of ${queue} by ${paths.map((path) => pathNames[path]).join(' and ')}`,
      )
  })
}
