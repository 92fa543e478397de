import type { Bus, Clock, Logger } from '@aimq/events'
import type { ResolvedOptions } from './options.ts'
import type { Slots } from './slots.ts'

/** What the runners of a worker share. */
export interface RunnerContext {
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly options: ResolvedOptions
  readonly slots: Slots
  /** Whether a wake-up path has proven itself. */
  readonly wakeupsProven: () => boolean
}
