import { count, duration } from '../show.ts'
import { type Finding, ok, warning } from './finding.ts'

export interface HorizonRow {
  readonly kind: string
  readonly name: string
  readonly age_seconds: number | null
  readonly xmin_age: number | null
}

const oldTransactionSeconds = 300
const oldXmin = 500_000

const remedies: Readonly<Record<string, string>> = {
  session: 'end it: select pg_terminate_backend(<pid>); and set idle_in_transaction_session_timeout',
  'replication slot': "nobody reads from it; drop it: select pg_drop_replication_slot('<name>')",
  'prepared transaction': "commit or roll it back: rollback prepared '<name>'",
}

/** What is deleted stays on the disk, and in the way of looks at the queue, while an older snapshot might still want to see it. */
export function checkHorizon(rows: readonly HorizonRow[]): Finding[] {
  const old = rows.filter(
    ({ age_seconds, xmin_age }) => (age_seconds ?? 0) > oldTransactionSeconds || (xmin_age ?? 0) > oldXmin,
  )
  if (old.length === 0) return [ok('oldest xmin', 'nothing keeps dead rows from being cleaned up')]
  return old.map(({ kind, name, age_seconds, xmin_age }) => {
    const since = age_seconds === null ? '' : ` for ${duration(age_seconds * 1000)}`
    return warning(
      'oldest xmin',
      `a ${kind} keeps dead rows from being cleaned up${since}: ${name}, ${count(xmin_age ?? 0)} transactions back`,
      remedies[kind] ?? 'end it',
    )
  })
}
