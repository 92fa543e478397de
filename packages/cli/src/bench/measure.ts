import { setTimeout as sleep } from 'node:timers/promises'
import type { Bus } from '@aimq/events'

export interface BenchBuses {
  /** Sends, as an application would: the worker hears nothing of it but over the database. */
  readonly producer: Bus
  readonly consumer: Bus
  readonly queue: string
  /** Called by the handler when a job starts. */
  readonly started: { on: (payload: unknown) => void }
}

/** Between two jobs, so that the worker is idle and has to be woken. */
const idleMs = 15
const batchSize = 1000
/** No job may take this long: then nothing wakes the worker, and nothing polls. */
const lostAfterMs = 60_000

/** For one job after the other: from the call that sends it to the first line of its handler, in milliseconds. */
export async function measureWakeUps(
  { producer, queue, started }: BenchBuses,
  samples: number,
  signal: AbortSignal,
  onSample: (done: number) => void,
): Promise<number[]> {
  const latencies: number[] = []
  for (let sample = 0; sample < samples; sample += 1) {
    const { promise, resolve } = Promise.withResolvers<number>()
    started.on = () => resolve(performance.now())
    const sentAt = performance.now()
    await producer.request('queue:send', { queue, messages: [{ payload: { sample } }] }, { signal })
    const lost = sleep(lostAfterMs, undefined, { signal }).then(() => {
      throw new Error(`a job of the benchmark did not start within ${lostAfterMs / 1000} s`)
    })
    latencies.push((await Promise.race([promise, lost])) - sentAt)
    lost.catch(() => {})
    onSample(sample + 1)
    await sleep(idleMs * (0.5 + Math.random()), undefined, { signal })
  }
  return latencies
}

export interface Throughput {
  readonly jobs: number
  readonly sentPerSecond: number
  readonly workedPerSecond: number
}

/** How fast jobs are sent in batches, and how fast a full queue is worked by handlers that do nothing. */
export async function measureThroughput(
  { producer, consumer, queue, started }: BenchBuses,
  jobs: number,
  signal: AbortSignal,
  onJob: (done: number) => void,
): Promise<Throughput> {
  started.on = () => {}
  await consumer.request('worker:pause', { queue })
  const sendingAt = performance.now()
  for (let sent = 0; sent < jobs; sent += batchSize) {
    const messages = Array.from({ length: Math.min(batchSize, jobs - sent) }, (_, n) => ({
      payload: { n: sent + n },
    }))
    await producer.request('queue:send', { queue, messages }, { signal })
    onJob((sent + messages.length) / 2)
  }
  const sentAt = performance.now()
  let done = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  using _ = consumer.on('worker:job-completed', () => {
    done += 1
    if (done % 100 === 0) onJob((jobs + done) / 2)
    if (done === jobs) resolve()
  })
  await consumer.request('worker:resume', { queue })
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  await Promise.race([promise, aborted])
  const doneAt = performance.now()
  return {
    jobs,
    sentPerSecond: jobs / ((sentAt - sendingAt) / 1000),
    workedPerSecond: jobs / ((doneAt - sentAt) / 1000),
  }
}
