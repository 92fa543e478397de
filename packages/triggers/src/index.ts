/**
 * The database tells of every enqueue by itself.
 *
 * ```ts
 * import { createTriggersClient } from '@aimq/triggers'
 *
 * const triggers = createTriggersClient({ connectionString: 'postgres://localhost/app' })
 * await triggers.install({ queues: ['emails'] })
 * ```
 *
 * @module
 */
export { type CallOptions, createTriggersClient, type TriggersClient } from './client.ts'
export { TriggersError, type TriggersErrorCode, triggersErrorCodes } from './errors.ts'
export {
  defaults,
  type QueueTriggerSettings,
  type TriggersClientOptions,
  type TriggersSettings,
  triggerDefaults,
} from './options.ts'
export { type TriggersOptions, type TriggersService, triggers } from './plugin.ts'
export { rolesSql } from './roles.ts'
export type { RolesOptions } from './roles-options.ts'
export { type TableJob, type TablePayload, tableJob } from './table-job.ts'
export type { TableJobsClient } from './table-jobs.ts'
