import { setTimeout as sleep } from 'node:timers/promises'
import type { Bus } from '@aimq/events'
import { duration } from './report.ts'

/** What is due sooner is no news. A lease of somebody else is renewed before it gets as short as this. */
const worthSayingMs = 5_000
/** What is due later than a lease lasts is no job in hand. */
const longestLeaseMs = 35_000
const lookEveryMs = 2_000
const sayEveryMs = 60_000

/** The worker rides out faults that pass; waiting for it has to as well. `say` is told what takes so long. */
export async function drain(
  bus: Bus,
  queues: readonly string[],
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const done = new AbortController()
  const telling = tellWhatItWaitsFor(bus, queues, say, AbortSignal.any([signal, done.signal]))
  try {
    for (;;) {
      try {
        await bus.request('worker:drain', {})
        return
      } catch (thrown) {
        if ((thrown as { transient?: boolean } | null)?.transient !== true) throw thrown
        await sleep(1000, undefined, { signal })
      }
    }
  } finally {
    done.abort()
    await telling
  }
}

/** Ends with its signal, and never fails: it is only talk. */
async function tellWhatItWaitsFor(
  bus: Bus,
  queues: readonly string[],
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let saidAt = Number.NEGATIVE_INFINITY
  let said = ''
  for (;;) {
    await sleep(lookEveryMs, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    const waiting = await Promise.all(queues.map((queue) => waitingIn(bus, queue))).catch(() => [])
    const found = waiting.flat()
    const which = found.map(({ queue, count }) => `${count} ${queue}`).join()
    if (signal.aborted || found.length === 0) continue
    if (which === said && performance.now() - saidAt < sayEveryMs) continue
    said = which
    saidAt = performance.now()
    say(`waiting for ${found.map(describe).join('; ')}`)
  }
}

interface Waiting {
  readonly queue: string
  readonly count: number
  readonly dueInMs: number
}

async function waitingIn(bus: Bus, queue: string): Promise<Waiting[]> {
  const { ready, leased } = await bus.request('queue:metrics', { queue })
  if (ready > 0 || leased === 0) return []
  const { messages } = await bus.request('queue:peek', { queue, limit: 100 })
  // Never read: scheduled, which is not waited for.
  const due = messages.filter(({ readCount }) => readCount > 0).map(({ visibleAt }) => visibleAt - Date.now())
  const dueInMs = Math.min(...due)
  return due.length > 0 && dueInMs >= worthSayingMs ? [{ queue, count: leased, dueInMs }] : []
}

function describe({ queue, count, dueInMs }: Waiting): string {
  const what =
    dueInMs < longestLeaseMs
      ? `${count} ${count === 1 ? 'job' : 'jobs'} in hand or to be tried again`
      : `${count} ${count === 1 ? 'retry' : 'retries'}`
  return `${what} in ${queue}, ${count === 1 ? 'due' : 'the first due'} in ${duration(dueInMs)}`
}
