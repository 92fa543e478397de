/**
 * Wakes workers at once, over Supabase Realtime and LISTEN/NOTIFY, and trusts neither.
 *
 * ```ts
 * import { createBus } from '@aimq/events'
 * import { realtime } from '@aimq/realtime'
 *
 * const bus = createBus()
 * bus.on('job:enqueued', ({ queue, source }) => console.log(`${source}: look at ${queue}`))
 * await bus.use(realtime({ listen: 'postgres://postgres:postgres@127.0.0.1:54329/postgres' }))
 * ```
 *
 * @module
 */
export { RealtimeError, type RealtimeErrorCode, realtimeErrorCodes } from './errors.ts'
export type { ListenOptions, RealtimeOptions, SupabaseOptions } from './options.ts'
export { realtime } from './realtime.ts'
