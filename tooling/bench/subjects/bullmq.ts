import type { JobType, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Payload, Place, Subject } from './subject.ts'

export interface BullmqProfile {
  readonly label: string
  readonly settings: string
  readonly concurrency: number
}

const name = 'bench'
const options = { removeOnComplete: true }

export function bullmq({ label, settings, concurrency: usual }: BullmqProfile): Subject {
  return {
    label,
    settings,
    needsRedis: true,
    prepare: async () => {},
    async inspect(place) {
      const { queue, close } = await opened(place)
      const count = async (...states: JobType[]) => {
        const counts = await queue.getJobCounts(...states)
        return Object.values(counts).reduce((sum, part) => sum + part, 0)
      }
      const due: JobType[] = ['active', 'prioritized', 'wait', 'waiting-children']
      return {
        isEmpty: async () => (await count(...due)) === 0,
        count: () => count(...due, 'delayed'),
        clear: () => queue.obliterate({ force: true }),
        settle: async () => {},
        close,
      }
    },
    async produce(place) {
      const { queue, close } = await opened(place)
      const after = (delayMs: number | undefined) =>
        delayMs === undefined ? options : { ...options, delay: delayMs }
      return {
        send: async (payload, delayMs) => void (await queue.add(name, payload, after(delayMs))),
        sendMany: async (payloads, delayMs) => {
          await queue.addBulk(payloads.map((data) => ({ name, data, opts: after(delayMs) })))
        },
        close,
      }
    },
    async work({ redisPort }, { handler, concurrency }) {
      const { Worker } = await import('bullmq')
      const connection = await connect(redisPort)
      const worker = new Worker<Payload>(name, (job) => handler(job.data), {
        connection,
        concurrency: concurrency ?? usual,
        removeOnComplete: { count: 0 },
      })
      await worker.waitUntilReady()
      worker.on('error', warn)
      return {
        stop: async () => {
          await worker.close()
          connection.disconnect()
        },
      }
    },
  }
}

async function opened({ redisPort }: Place): Promise<{ queue: Queue; close: () => Promise<void> }> {
  const { Queue } = await import('bullmq')
  const connection = await connect(redisPort)
  const queue = new Queue(name, { connection })
  queue.on('error', warn)
  await queue.waitUntilReady()
  return {
    queue,
    // A connection that was passed in stays open when its queue closes.
    close: async () => {
      await queue.close()
      connection.disconnect()
    },
  }
}

async function connect(port: number | undefined): Promise<Redis> {
  const { Redis } = await import('ioredis')
  return new Redis({ host: '127.0.0.1', port: port as number, maxRetriesPerRequest: null })
}

function warn(error: Error): void {
  process.stderr.write(`BullMQ: ${error.message}\n`)
}
