import { chooseQueue, expectNamed } from '../choose-queues.ts'
import type { Context } from '../context.ts'
import { firstHealth } from '../first-health.ts'
import { isWorked } from '../is-worked.ts'
import { withBus } from '../with-bus.ts'
import { withRealtime } from '../with-realtime.ts'
import { pathNames } from './realtime-status.ts'

const connectedWithinMs = 10_000

export interface BroadcastOptions {
  readonly count?: number
  readonly due?: number
}

export async function run(
  context: Context,
  options: BroadcastOptions,
  named: string | undefined,
): Promise<void> {
  const { output, signal } = context
  expectNamed(context, named, 'realtime broadcast')
  const queue = named ?? (await ask(context))
  if (queue === undefined) return output.line('There is no queue with workers to be told.')
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

const ask = (context: Context): Promise<string | undefined> =>
  withBus(context, { needs: ['queue'] }, ({ bus }) =>
    chooseQueue(context, bus, { question: 'The workers of which queue?', among: isWorked }),
  )
