import { wantedEntry, wantedLedger, wantedSchema } from './ledger.ts'
import { checksumOf, sqlOf } from './sql.ts'
import type { Owned, Wanted } from './wanted.ts'
import { wantedFunction } from './wanted-function.ts'
import { wantedTable } from './wanted-table.ts'

/** What every queue trigger of ours stands on, in the order in which it is made. */
export function wantedCore(): readonly Wanted[] {
  return [wantedSchema, wantedLedger(), ...ownedCore()]
}

/** The part of it that is ours alone, in the order in which it is made. */
export function ownedCore(): readonly Owned[] {
  const files = [
    'core/listener-table',
    'core/register-listener',
    'core/forget-listener',
    'core/notify-job-enqueued',
  ]
  const parts = [
    wantedTable('listener', 'core/listener-table'),
    wantedFunction('register_listener', 'id uuid, awake text[]', 'core/register-listener'),
    wantedFunction('forget_listener', 'id uuid', 'core/forget-listener'),
    wantedFunction('notify_job_enqueued', '', 'core/notify-job-enqueued'),
  ]
  return [...parts, wantedEntry('0001_notify', checksumOf(files.map(sqlOf)), parts)]
}
