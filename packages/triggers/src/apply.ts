import type { TriggerChange } from '@aimq/events'
import { lockTimeoutMs, type Session } from './database.ts'

/** Does what was planned, in its order. Tables locked by a change stay so to the end: all of it may wait no longer than one. */
export async function apply(session: Session, changes: readonly TriggerChange[]): Promise<void> {
  const until = performance.now() + lockTimeoutMs
  for (const { sql } of changes) {
    const leftMs = Math.max(10, Math.ceil(until - performance.now()))
    await session.query(`set local lock_timeout = ${leftMs};\n${sql}`)
  }
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
