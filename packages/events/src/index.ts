/**
 * The typed event bus and the contract every AIMQ package speaks.
 *
 * ```ts
 * import { createBus } from '@aimq/events'
 *
 * const bus = createBus()
 * bus.on('job:enqueued', ({ queue }) => console.log(`look at ${queue}`))
 * bus.emit('job:enqueued', { queue: 'emails', source: 'readme' })
 * ```
 *
 * @module
 */
export type { StandardSchemaV1 } from '@standard-schema/spec'
export { type Bus, type BusOptions, createBus, type FactListener, type RequestHandler } from './bus.ts'
export { type Clock, maxTimerMs, systemClock } from './clock.ts'
export * from './contract/message.ts'
export type * from './contract/queue.ts'
export type * from './contract/realtime.ts'
export type * from './contract/triggers.ts'
export type * from './contract/worker.ts'
export type { FactName, Facts, RequestInput, RequestName, RequestOutput, Requests } from './contract.ts'
export {
  defineQueue,
  type QueueDefinition,
  type QueueReference,
  queueNameOf,
  validatePayload,
} from './define-queue.ts'
export { Disposables } from './disposables.ts'
export {
  AimqError,
  type ErrorSummary,
  EventsError,
  type EventsErrorCode,
  eventsErrorCodes,
  maxErrorTextLength,
  summarizeError,
} from './errors.ts'
export { consoleLogger, type Logger, silentLogger } from './logger.ts'
export { didYouMean, parseOptions } from './parse-options.ts'
export type { Plugin, PluginContext } from './plugin.ts'
export { assertQueueName, defaultDeadLetterQueue, queueNamePattern } from './queue-name.ts'
export { redact } from './redact.ts'
export { createService, type Service, type ServiceHooks } from './service.ts'
