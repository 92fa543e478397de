import type { Payload, Subject } from './subject.ts'
import { inspectTables } from './tables.ts'

export interface GraphileProfile {
  readonly label: string
  readonly settings: string
  readonly concurrentJobs: number
  /** Jobs leased ahead; without it one by one. */
  readonly localQueue?: number
}

const task = 'bench'

export function graphile({ label, settings, concurrentJobs, localQueue }: GraphileProfile): Subject {
  const batching =
    localQueue === undefined
      ? {}
      : { localQueue: { size: localQueue }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }
  return {
    label,
    settings,
    needsRedis: false,
    async prepare({ postgres }) {
      const { Logger, makeWorkerUtils } = await import('graphile-worker')
      const logger = new Logger(() => () => {})
      const utils = await makeWorkerUtils({ connectionString: postgres, logger })
      await utils.migrate()
      await utils.release()
    },
    inspect: ({ postgres }) =>
      inspectTables(postgres, {
        open: 'graphile_worker._private_jobs',
        due: 'run_at',
        truncate: 'graphile_worker._private_jobs',
        vacuum: 'graphile_worker._private_jobs',
      }),
    async produce({ postgres }, inFlight) {
      const { Logger, makeWorkerUtils } = await import('graphile-worker')
      const logger = new Logger(() => () => {})
      const utils = await makeWorkerUtils({
        connectionString: postgres,
        maxPoolSize: Math.max(2, Math.min(inFlight, 20)),
        logger,
      })
      const at = (delayMs: number | undefined) =>
        delayMs === undefined ? {} : { runAt: new Date(Date.now() + delayMs) }
      return {
        send: async (payload, delayMs) => void (await utils.addJob(task, payload, at(delayMs))),
        sendMany: async (payloads, delayMs) => {
          await utils.addJobs(payloads.map((payload) => ({ identifier: task, payload, ...at(delayMs) })))
        },
        close: async () => {
          await utils.release()
        },
      }
    },
    async work({ postgres }, { handler, concurrency }) {
      const { Logger, run } = await import('graphile-worker')
      const logger = new Logger(() => () => {})
      const runner = await run({
        preset: {
          worker: {
            connectionString: postgres,
            concurrentJobs: concurrency ?? concurrentJobs,
            maxPoolSize: Math.min(20, Math.max(10, (concurrency ?? concurrentJobs) + 2)),
            ...batching,
          },
        },
        taskList: { [task]: (payload) => handler(payload as Payload) },
        logger,
        noHandleSignals: true,
        parsedCronItems: [],
      })
      return { stop: () => runner.stop() }
    },
  }
}
