import type { StandardSchemaV1 } from '@standard-schema/spec'
import { EventsError, eventsErrorCodes } from './errors.ts'
import { assertQueueName, defaultDeadLetterQueue } from './queue-name.ts'

/**
 * The one definition that producer and worker share. `Input` is what a producer sends, `Output` what a handler gets
 * after the schema's defaults and transforms.
 */
export interface QueueDefinition<Input = unknown, Output = Input> {
  readonly name: string
  /** Any Standard Schema validator: zod, valibot, arktype, … */
  readonly schema?: StandardSchemaV1<Input, Output>
  /** Where jobs that are out of attempts go. @default `<name>_dlq` */
  readonly deadLetterQueue: string
}

export interface DefineQueueOptions<Schema extends StandardSchemaV1 | undefined> {
  readonly schema?: Schema
  readonly deadLetterQueue?: string
}

/** Defines a queue without a schema: payloads are whatever the type parameter says, unchecked. */
export function defineQueue<Payload = unknown>(
  name: string,
  options?: { readonly deadLetterQueue?: string },
): QueueDefinition<Payload>
/** Defines a queue whose payloads are typed by the schema, and validated when sent and again when worked. */
export function defineQueue<Schema extends StandardSchemaV1>(
  name: string,
  options: { readonly schema: Schema; readonly deadLetterQueue?: string },
): QueueDefinition<StandardSchemaV1.InferInput<Schema>, StandardSchemaV1.InferOutput<Schema>>
export function defineQueue(
  name: string,
  options: DefineQueueOptions<StandardSchemaV1 | undefined> = {},
): QueueDefinition {
  assertQueueName(name)
  const deadLetterQueue = options.deadLetterQueue ?? defaultDeadLetterQueue(name)
  assertQueueName(deadLetterQueue)
  if (deadLetterQueue === name) {
    throw new EventsError(
      eventsErrorCodes.invalidQueueName,
      `expected the dead-letter queue of "${name}" to be another queue, got itself`,
    )
  }
  return { name, deadLetterQueue, ...(options.schema === undefined ? {} : { schema: options.schema }) }
}

/** A queue by name, or by its definition: every API that takes a queue takes both. */
export type QueueReference<Input = unknown, Output = Input> = string | QueueDefinition<Input, Output>

/** The name behind a reference, checked. */
export function queueNameOf(queue: QueueReference): string {
  const name = typeof queue === 'object' && queue !== null ? queue.name : queue
  assertQueueName(name)
  return name
}

/**
 * What the queue's schema makes of `payload`. A producer throws the result away and sends what it was given, so that
 * transforms run once, in the worker.
 *
 * @throws `events/payload-refused` with every issue and its path
 */
export async function validatePayload<Output>(
  queue: QueueDefinition<unknown, Output>,
  payload: unknown,
): Promise<Output> {
  if (queue.schema === undefined) return payload as Output
  const result = await queue.schema['~standard'].validate(payload)
  if (result.issues === undefined) return result.value
  const issues = result.issues.map((issue) => `${pathOf(issue)}: ${issue.message}`)
  throw new EventsError(
    eventsErrorCodes.payloadRefused,
    `queue "${queue.name}" refuses this payload: ${issues.join('; ')}`,
  )
}

function pathOf(issue: StandardSchemaV1.Issue): string {
  const keys = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part))
  return keys.length === 0 ? 'payload' : keys.join('.')
}
