import { judgeFiring, madeToFire } from './firing.ts'
import { wantedEntry } from './ledger.ts'
import type { QueueTriggerSettings } from './options.ts'
import { checksumOf, sqlOf } from './sql.ts'
import type { Owned } from './wanted.ts'
import { wantedFunction } from './wanted-function.ts'
import { wantedTable } from './wanted-table.ts'

/** Whether a trigger of these settings needs what is below. */
export function isThrottled({ paths, throttleMs }: QueueTriggerSettings): boolean {
  return paths.includes('realtime') && throttleMs > 0
}

/** What triggers with throttled Realtime hints stand on, in the order in which it is made. */
export function ownedThrottle(): readonly Owned[] {
  const files = [
    'throttle/last-hint-table',
    'throttle/throttled-hint-table',
    'throttle/send-throttled-hint',
    'throttle/send-throttled-hint-trigger',
  ]
  const parts = [
    wantedTable('last_hint', 'throttle/last-hint-table'),
    wantedTable('throttled_hint', 'throttle/throttled-hint-table'),
    wantedFunction('send_throttled_hint', '', 'throttle/send-throttled-hint'),
    commitTrigger(),
  ]
  return [...parts, wantedEntry('0002_realtime_throttle', checksumOf(files.map(sqlOf)), parts)]
}

/** Fires as a transaction commits that owes a hint. */
function commitTrigger(): Owned {
  const name = 'aimq_send_throttled_hint'
  const table = 'aimq.throttled_hint'
  const object = `trigger ${name} on ${table}`
  const sql = sqlOf('throttle/send-throttled-hint-trigger')
  const definition = `CREATE CONSTRAINT TRIGGER ${name} AFTER INSERT ON aimq.throttled_hint DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION aimq.send_throttled_hint()`
  const dropSql = `drop trigger if exists ${name} on aimq.throttled_hint;`
  return {
    object,
    sql,
    unless: `exists (select from pg_catalog.pg_trigger where tgrelid = 'aimq.throttled_hint'::regclass and tgname = '${name}')`,
    dropSql,
    isThere: (found) => found.triggers.some((trigger) => trigger.name === name),
    judge(found) {
      const there = found.triggers.find((trigger) => trigger.name === name)
      if (there === undefined) {
        return {
          action: 'create',
          problem: 'drifted',
          reason: `${object} is not there: no throttled hint is ever sent`,
          sql: madeToFire(found, sql, table, name),
        }
      }
      if (there.definition !== definition) {
        return {
          action: 'replace',
          problem: 'drifted',
          reason: `${object} is defined otherwise: got ${there.definition}`,
          sql: madeToFire(found, `${dropSql}\n${sql}`, table, name),
        }
      }
      return judgeFiring(found, there, { table, silence: 'throttled hints are not sent' })
    },
  }
}

/** A queue's row of `aimq.last_hint`. Without it every hint is sent. */
export function lastHintOf(queue: string): Owned {
  const object = `row "${queue}" of aimq.last_hint`
  return {
    object,
    sql: `insert into aimq.last_hint (queue, sent_at) values ('${queue}', '-infinity') on conflict do nothing;`,
    dropSql: `delete from aimq.last_hint where queue = '${queue}';`,
    isThere: (found) => found.throttled.has(queue),
    judge: (found) =>
      found.throttled.has(queue)
        ? undefined
        : {
            action: 'create',
            problem: 'drifted',
            reason: `${object} is not there: the Realtime hints of queue "${queue}" are not throttled`,
          },
  }
}
