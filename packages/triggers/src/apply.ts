import type { TriggerChange } from '@aimq/events'
import type { Session } from './database.ts'

/** Does what was planned, in its order. */
export async function apply(session: Session, changes: readonly TriggerChange[]): Promise<void> {
  for (const { sql } of changes) await session.query(sql)
}

/**
 * Asks listeners that already run to register, on the channel they listen to (a checked name): until one has, nobody
 * is told of anything. Their next canary would find the register, too, up to a quarter of a minute later.
 */
export function listenersWanted(channel: string): string {
  return `select pg_catalog.pg_notify('${channel}', '{"event":"listener_wanted","v":1}')`
}

/** The tables that changes lock: those of the triggers, and those that they are about. */
export function tablesOf(changes: readonly TriggerChange[]): readonly string[] {
  return changes.flatMap(({ object }) => /(?: on |^table )(\w+\.\w+)/.exec(object)?.[1] ?? [])
}
