import type { Logger } from '@aimq/events'
import type { Database } from './database.ts'
import type { ResolvedOptions } from './options.ts'
import type { QueueShapes } from './queue-shape.ts'
import type { ReadFloors } from './read-floors.ts'

/** What every operation works with. */
export interface Operations {
  readonly database: Database
  readonly shapes: QueueShapes
  readonly floors: ReadFloors
  readonly options: ResolvedOptions
  readonly logger: Logger
}
