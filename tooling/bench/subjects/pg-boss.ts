import type { ConstructorOptions, PgBoss } from 'pg-boss'
import type { Payload, Subject } from './subject.ts'
import { inspectTables } from './tables.ts'

export interface PgBossProfile {
  readonly label: string
  readonly settings: string
  readonly batchSize: number
  readonly localConcurrency: number
}

const queue = 'bench'

export function pgBoss({ label, settings, batchSize, localConcurrency }: PgBossProfile): Subject {
  const quiet = { schedule: false, supervise: false, migrate: false }
  return {
    label,
    settings,
    needsRedis: false,
    async prepare({ postgres }) {
      const boss = await started({ connectionString: postgres, schedule: false })
      await boss.createQueue(queue, { partition: true, notify: true })
      await boss.stop({ graceful: false })
    },
    inspect: ({ postgres }) =>
      inspectTables(postgres, {
        open: `pgboss.job where name = '${queue}' and state < 'completed'`,
        due: 'start_after',
        truncate: 'pgboss.job',
        vacuum: 'pgboss.job',
      }),
    async produce({ postgres }, inFlight) {
      const boss = await started({ connectionString: postgres, max: Math.min(inFlight, 20), ...quiet })
      const at = (delayMs: number | undefined) =>
        delayMs === undefined ? {} : { startAfter: new Date(Date.now() + delayMs) }
      return {
        send: async (payload, delayMs) => void (await boss.send(queue, payload, at(delayMs))),
        sendMany: async (payloads, delayMs) => {
          await boss.insert(
            queue,
            payloads.map((data) => ({ data, ...at(delayMs) })),
          )
        },
        close: () => boss.stop({ graceful: false }),
      }
    },
    async work({ postgres }, { handler, concurrency }) {
      const boss = await started({
        connectionString: postgres,
        useListenNotify: true,
        schedule: false,
        migrate: false,
      })
      const shape =
        concurrency === undefined
          ? { batchSize, localConcurrency }
          : { batchSize: concurrency / 4, localConcurrency: 4 }
      await boss.work<Payload>(
        queue,
        {
          ...shape,
          burstWhenBatchFull: true,
          pollingIntervalSeconds: 0.5,
          notifyPollingIntervalSeconds: 0.5,
        },
        async (jobs) => void (await Promise.all(jobs.map((job) => handler(job.data)))),
      )
      return { stop: () => boss.stop({ graceful: true, timeout: 5000 }) }
    },
  }
}

async function started(options: ConstructorOptions): Promise<PgBoss> {
  const { PgBoss } = await import('pg-boss')
  const boss = new PgBoss(options)
  boss.on('error', (error) => process.stderr.write(`pg-boss: ${error.message}\n`))
  await boss.start()
  return boss
}
