import type { Bus } from '@aimq/events'
import type { QueueClientOptions } from '@aimq/queue'
import type { QueuePolicy } from '@aimq/worker'
import { installWakeUpTrigger } from './raw.ts'
import type { Payload, Subject } from './subject.ts'
import { inspectTables } from './tables.ts'

export interface AimqProfile {
  readonly label: string
  readonly settings: string
  /** How a worker is woken; without it, it polls. */
  readonly wake?: 'listen' | 'realtime'
  readonly policy?: QueuePolicy
  readonly client?: Partial<QueueClientOptions>
}

/** AIMQ as a user composes it: the queue, worker and realtime steps on one bus. */
export function aimq({ label, settings, wake, policy = {}, client = {} }: AimqProfile): Subject {
  async function openBus(): Promise<Bus> {
    const { createBus, silentLogger } = await import('@aimq/events')
    return createBus({ logger: silentLogger })
  }
  async function connected(url: string) {
    const { queue } = await import('@aimq/queue')
    return queue({ connectionString: url, ...client })
  }
  return {
    label,
    settings,
    needsRedis: false,
    async prepare({ postgres }) {
      await using bus = await openBus()
      await bus.use(await connected(postgres))
      await bus.request('queue:create', { queue: 'bench' })
      if (wake !== undefined) await installWakeUpTrigger(postgres, wake)
    },
    inspect: ({ postgres }) =>
      inspectTables(postgres, {
        open: 'pgmq.q_bench',
        truncate: 'pgmq.q_bench, pgmq.a_bench',
        vacuum: 'pgmq.q_bench, pgmq.a_bench',
      }),
    async produce({ postgres }) {
      const bus = await openBus()
      const { client } = await bus.use(await connected(postgres))
      const after = (delayMs: number | undefined) => (delayMs === undefined ? {} : { delayMs })
      return {
        send: async (payload, delayMs) => void (await client.send('bench', payload, after(delayMs))),
        sendMany: async (payloads, delayMs) => {
          const drafts = payloads.map((payload) => ({ payload, ...after(delayMs) }))
          await client.sendMany('bench', drafts)
        },
        close: () => bus.stop(),
      }
    },
    async work({ postgres, realtime: supabase }, { handler, concurrency }) {
      const bus = await openBus()
      await bus.use(await connected(postgres))
      const { worker } = await import('@aimq/worker')
      const wanted = concurrency === undefined ? policy : { ...policy, concurrency }
      await bus.use(
        worker({
          handlers: { bench: ({ payload }) => handler(payload as Payload) },
          defaults: wanted,
        }),
      )
      if (wake !== undefined) {
        const { realtime } = await import('@aimq/realtime')
        const proven = new Promise<void>((resolve) => {
          bus.on('realtime:health-changed', ({ health }) => health === 'healthy' && resolve())
        })
        await bus.use(
          realtime(
            wake === 'listen' || supabase === undefined
              ? { listen: postgres }
              : { supabase: { ...supabase, connectionString: postgres } },
          ),
        )
        await proven
      }
      return { stop: () => bus.stop() }
    },
  }
}
