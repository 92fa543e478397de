import { type Finding, fault, note, ok } from './finding.ts'

export interface PgmqRow {
  readonly installed: boolean
  readonly extension: string | null
  readonly idempotency: boolean
}

const oldest = [1, 4, 4] as const

export function checkPgmq(row: PgmqRow, program: string): Finding[] {
  if (!row.installed) {
    return [
      fault(
        'pgmq',
        'this database has no pgmq',
        'run: create extension pgmq (Supabase: switch on Queues in the dashboard); where the extension is not available, run the SQL file of a pgmq release',
      ),
    ]
  }
  const keys = row.idempotency
    ? []
    : [
        note(
          'idempotency',
          'the table of idempotency keys is not installed: --key and idempotencyKey are refused',
          `when you need them: ${program} install-keys`,
        ),
      ]
  if (row.extension === null) return [ok('pgmq', 'pgmq, installed as plain SQL'), ...keys]
  if (isOlder(row.extension)) {
    return [
      fault(
        'pgmq',
        `pgmq ${row.extension} is too old`,
        `run: alter extension pgmq update; ${oldest.join('.')} or later is needed`,
      ),
    ]
  }
  return [ok('pgmq', `pgmq ${row.extension}`), ...keys]
}

function isOlder(version: string): boolean {
  const parts = version.split('.').map(Number)
  for (const [index, least] of oldest.entries()) {
    const part = parts[index] ?? 0
    if (part !== least) return part < least
  }
  return false
}
