import { defineQueue, parseOptions, type QueueDefinition, queueNamePattern } from '@aimq/events'
import * as v from 'valibot'
import { WorkerError, workerErrorCodes } from './errors.ts'
import { defineHandler, type Handler, type HandlerDefinition, type Handlers } from './handler.ts'
import { given, policyDefaults, type QueuePolicy, type ResolvedPolicy } from './policy.ts'

export interface WorkerOptions {
  readonly handlers: Handlers
  /** For every queue whose handler does not say otherwise. */
  readonly defaults?: QueuePolicy
  /** Handlers that run at once over all queues. @default 100 */
  readonly totalConcurrency?: number
  /** Longest pause between two looks at an idle queue, while no wake-up path has proven itself. @default 1000 */
  readonly pollIntervalMs?: number
  /** The same while one has: polling is the safety net then. @default 30_000 */
  readonly safetyPollIntervalMs?: number
  /** How long jobs may finish when the worker stops, before they are handed back. @default 15_000 */
  readonly gracePeriodMs?: number
  /** How long a handler may take to heed its aborted signal before its slot is given to another job. @default 5_000 */
  readonly abortGraceMs?: number
}

export interface ResolvedQueue {
  readonly definition: QueueDefinition<unknown, unknown>
  readonly handler: Handler
  readonly policy: ResolvedPolicy
}

export interface ResolvedOptions {
  readonly queues: readonly ResolvedQueue[]
  readonly totalConcurrency: number
  readonly pollIntervalMs: number
  readonly safetyPollIntervalMs: number
  readonly gracePeriodMs: number
  readonly abortGraceMs: number
}

const dayMs = 86_400_000
/** A whole number within bounds, told with its unit. */
const whole = (min: number, max: number, unit: string) =>
  v.optional(
    v.pipe(
      v.number(`expected ${unit}`),
      v.check(
        (value) => Number.isInteger(value) && value >= min && value <= max,
        (issue) => `expected ${unit} from ${min} to ${max}, got ${issue.received}`,
      ),
    ),
  )
const milliseconds = (min: number, max = 365 * dayMs) => whole(min, max, 'whole milliseconds')

const policySchema = v.strictObject({
  concurrency: whole(1, 10_000, 'a whole number'),
  maxAttempts: whole(1, 1_000_000, 'a whole number'),
  maxCrashes: whole(1, 1_000_000, 'a whole number'),
  timeoutMs: milliseconds(1),
  // A lease shorter than a second is lost to the first slow query.
  leaseMs: milliseconds(1000, dayMs / 2),
  backoff: v.optional(
    v.function('expected a function of the number of failures, for example exponentialBackoff()'),
  ),
  onComplete: v.optional(v.picklist(['archive', 'delete'])),
  maxPrefetch: whole(0, 10_000, 'a whole number'),
})

const definitionSchema = v.strictObject(
  { queue: v.looseObject({ name: v.string() }), handler: v.function(), policy: policySchema },
  'expected a function, or what defineHandler(queue, function, policy) returns',
)
const handlerSchema = v.lazy((input) => (typeof input === 'function' ? v.function() : definitionSchema))

const optionsSchema = v.strictObject({
  handlers: v.pipe(
    v.record(
      v.pipe(
        v.string(),
        v.regex(
          queueNamePattern,
          'expected a queue name: a lower-case letter, then at most 46 of a-z, 0-9, _',
        ),
      ),
      handlerSchema,
    ),
    v.check((handlers) => Object.keys(handlers).length > 0, 'expected a handler for at least one queue'),
    v.check(
      (handlers) =>
        Object.entries(handlers).every(
          ([key, entry]) => typeof entry === 'function' || entry.queue.name === key,
        ),
      'expected each handler under the name of the queue it was defined for',
    ),
  ),
  defaults: v.optional(policySchema),
  totalConcurrency: whole(1, 100_000, 'a whole number'),
  pollIntervalMs: milliseconds(10, dayMs),
  safetyPollIntervalMs: milliseconds(10, dayMs),
  gracePeriodMs: milliseconds(0, dayMs),
  abortGraceMs: milliseconds(0, dayMs),
})

/** All faults together, with the near spelling of an unknown key. */
export function resolveOptions(options: WorkerOptions): ResolvedOptions {
  parseOptions(
    'worker()',
    optionsSchema,
    options,
    (message) => new WorkerError(workerErrorCodes.invalidOptions, message),
  )
  return {
    queues: Object.entries(options.handlers).map(([name, entry]) =>
      resolveQueue(name, entry, options.defaults),
    ),
    totalConcurrency: options.totalConcurrency ?? 100,
    pollIntervalMs: options.pollIntervalMs ?? 1000,
    safetyPollIntervalMs: options.safetyPollIntervalMs ?? 30_000,
    gracePeriodMs: options.gracePeriodMs ?? 15_000,
    abortGraceMs: options.abortGraceMs ?? 5000,
  }
}

function resolveQueue(
  name: string,
  entry: Handler | HandlerDefinition,
  defaults: QueuePolicy = {},
): ResolvedQueue {
  const { queue, handler, policy } = typeof entry === 'function' ? defineHandler(name, entry) : entry
  // Again, because a definition made by hand may lack what `defineQueue` sees to.
  const { deadLetterQueue } = defineQueue(name, queue.deadLetterQueue === undefined ? {} : queue)
  return {
    definition: { ...queue, deadLetterQueue },
    handler,
    policy: { ...policyDefaults, ...given(defaults), ...given(policy) },
  }
}
