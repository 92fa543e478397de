import { setTimeout as pause } from 'node:timers/promises'
import { microseconds } from '../clock.ts'
import { subjectOf } from '../subjects/index.ts'
import type { Payload, Producer } from '../subjects/subject.ts'
import type { FillInput, OpenInput, Sent, SteadyInput } from './tasks.ts'

/** Filling is not measured; large batches make it short. */
const fillBatch = 5000

export class ProducerTask {
  #producer: Producer | undefined

  async open({ subject, place, inFlight }: OpenInput): Promise<void> {
    this.#producer = await subjectOf(subject).produce(place, inFlight)
  }

  get #open(): Producer {
    if (this.#producer === undefined) throw new Error('expected "open" before anything is sent')
    return this.#producer
  }

  async fill({ count, delayMs, from = 0 }: FillInput): Promise<void> {
    for (let n = from; n < from + count; n += fillBatch) {
      await this.#open.sendMany(numbered(n, Math.min(fillBatch, from + count - n)), delayMs)
    }
  }

  async sendOne(n: number, delayMs: number | undefined): Promise<void> {
    await this.#open.send({ n, sentAt: microseconds() }, delayMs)
  }

  async sendSingly(inFlight: number, ms: number): Promise<Sent> {
    const producer = this.#open
    const begin = microseconds()
    const end = begin + ms * 1000
    let next = 0
    const line = async () => {
      while (microseconds() < end) await producer.send({ n: next++ })
    }
    await Promise.all(Array.from({ length: inFlight }, line))
    return { count: next, elapsedUs: microseconds() - begin }
  }

  async sendBatches(count: number, size: number): Promise<Sent> {
    const batches = Array.from({ length: count / size }, (_, index) => numbered(index * size, size))
    const begin = microseconds()
    for (const batch of batches) await this.#open.sendMany(batch)
    return { count: batches.length * size, elapsedUs: microseconds() - begin }
  }

  /** By the clock and not by what came back: a slow answer does not slow the next call down. */
  async sendSteadily({ perSecond, seconds, batch, delayMs }: SteadyInput): Promise<Sent> {
    const producer = this.#open
    const total = perSecond * seconds
    const gapUs = (1e6 / perSecond) * batch
    const begin = microseconds()
    const calls: Promise<void>[] = []
    for (let n = 0, at = begin; n < total; n += batch, at += gapUs) {
      while (microseconds() < at) await pause(Math.max(0, (at - microseconds()) / 1000))
      const sentAt = microseconds()
      if (batch === 1) calls.push(producer.send({ n, sentAt }, delayMs))
      else
        calls.push(
          producer.sendMany(
            numbered(n, batch).map((payload) => ({ ...payload, sentAt })),
            delayMs,
          ),
        )
    }
    await Promise.all(calls)
    return { count: total, elapsedUs: microseconds() - begin }
  }

  async stop(): Promise<void> {
    await this.#producer?.close()
    this.#producer = undefined
  }
}

function numbered(from: number, count: number): Payload[] {
  return Array.from({ length: count }, (_, index) => ({ n: from + index }))
}
