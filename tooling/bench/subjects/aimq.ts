import type { Bus } from '@aimq/events'
import type { QueueClientOptions } from '@aimq/queue'
import type { QueuePolicy } from '@aimq/worker'
import pg from 'pg'
import type { Payload, Subject } from './subject.ts'
import { inspectTables } from './tables.ts'

export interface AimqProfile {
  readonly label: string
  readonly settings: string
  /** How a worker is woken; without it, it polls. */
  readonly wake?: 'listen' | 'realtime'
  /** Queues the worker works; the jobs are in the first. @default 1 */
  readonly queues?: number
  readonly policy?: QueuePolicy
  readonly client?: Partial<QueueClientOptions>
}

/** AIMQ as a user composes it: the queue, worker and realtime steps on one bus. */
export function aimq({ label, settings, wake, queues = 1, policy = {}, client = {} }: AimqProfile): Subject {
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
      if (queues > 1) await createOthers(postgres, queues - 1)
      if (wake !== undefined) await installTriggers(postgres, wake === 'listen' ? 'notify' : 'realtime')
    },
    inspect: ({ postgres }) =>
      inspectTables(postgres, {
        open: 'pgmq.q_bench',
        due: 'vt',
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
      const work = ({ payload }: { payload: unknown }) => handler(payload as Payload)
      const wanted = concurrency === undefined ? policy : { ...policy, concurrency }
      await bus.use(
        worker({
          handlers: Object.fromEntries(namesOf(queues).map((name) => [name, work])),
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

function namesOf(queues: number): string[] {
  return ['bench', ...Array.from({ length: queues - 1 }, (_, index) => `idle_${index + 1}`)]
}

/** Some at a time: a queue is two tables, and each a lock until the transaction ends. */
async function createOthers(url: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  for (let from = 1; from <= count; from += 50) {
    await client.query(`select pgmq.create('idle_' || n) from generate_series($1::int, $2::int) as n`, [
      from,
      Math.min(count, from + 49),
    ])
  }
  await client.end()
}

export async function installTriggers(url: string, path: 'notify' | 'realtime'): Promise<void> {
  const { createTriggersClient } = await import('@aimq/triggers')
  const triggers = createTriggersClient({ connectionString: url })
  await triggers.install({ queues: ['bench'], paths: [path] })
}
