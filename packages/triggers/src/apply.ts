import type { TriggerChange } from '@aimq/events'
import type { Session } from './database.ts'

/** Does what was planned, in its order. */
export async function apply(session: Session, changes: readonly TriggerChange[]): Promise<void> {
  for (const { sql } of changes) await session.query(sql)
}

/** The tables that changes lock: those of the triggers, and those that they are about. */
export function tablesOf(changes: readonly TriggerChange[]): readonly string[] {
  return changes.flatMap(({ object }) => /(?: on |^table )(\w+\.\w+)/.exec(object)?.[1] ?? [])
}
