import type * as events from '@aimq/events'
import type * as triggers from '@aimq/triggers'

declare global {
  const defineQueue: typeof events.defineQueue
  const tableJob: typeof triggers.tableJob
  type TableChange<Row> = events.TableChange<Row>
}
