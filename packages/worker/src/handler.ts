import type { MessageHeaders, QueueDefinition, QueueReference } from '@aimq/events'
import { defineQueue } from '@aimq/events'
import type { QueuePolicy } from './policy.ts'

/** What a handler is given. */
export interface Job<Payload = unknown> {
  readonly queue: string
  /** pgmq's message id, as an opaque string; unique within the queue. */
  readonly id: string
  readonly payload: Payload
  readonly headers: MessageHeaders
  /** Which try this is, counting failures only: 1 for the first. Crashes and deploys do not count. */
  readonly attempt: number
  /** How often the message was read, by whomever; above `attempt` when workers crashed or handed it back. */
  readonly readCount: number
  /** Epoch milliseconds by the database's clock. */
  readonly enqueuedAt: number
  /** How long the job had been ready when this worker read it, in milliseconds, by the database's clock. */
  readonly waitedMs: number
  /**
   * Aborts when the job times out, when its lease is lost, and when the worker stops and the grace period is over;
   * `signal.reason.code` says which. Pass it on to `fetch` and the like.
   */
  readonly signal: AbortSignal
}

/**
 * Works one job. Returning means done, throwing means retry with backoff, and `retry`, `deadLetter` and `snooze` say
 * the rest. Jobs are delivered at least once: make it safe to run twice.
 */
export type Handler<Payload = unknown> = (job: Job<Payload>) => unknown

/** A handler together with its queue's definition and policy. */
export interface HandlerDefinition<Payload = unknown> {
  readonly queue: QueueDefinition<unknown, Payload>
  readonly handler: Handler<Payload>
  readonly policy: QueuePolicy
}

/**
 * Ties a handler to a queue definition: `job.payload` is what the queue's schema makes of the message, and a payload
 * the schema refuses goes to the dead-letter queue without being run.
 */
export function defineHandler<Input, Payload>(
  queue: QueueReference<Input, Payload>,
  handler: Handler<Payload>,
  policy: QueuePolicy = {},
): HandlerDefinition<Payload> {
  const definition =
    typeof queue === 'string' ? (defineQueue(queue) as QueueDefinition<unknown, Payload>) : queue
  return { queue: definition, handler, policy }
}

/** Handlers by queue name. A plain function takes the payload as it comes. */
// biome-ignore lint/suspicious/noExplicitAny: a record of handlers of different payloads has no common payload type.
export type Handlers = Readonly<Record<string, Handler<any> | HandlerDefinition<any>>>
