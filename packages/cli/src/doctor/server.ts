import type { Connection } from '../connect.ts'
import type { Database } from '../database.ts'
import { duration } from '../show.ts'
import { type Finding, fault, note, ok, warning } from './finding.ts'

export interface ServerRow {
  readonly version: string
  readonly version_num: number
  readonly standby: boolean
  readonly role: string
  readonly superuser: boolean
  readonly bypasses_rls: boolean
  readonly backend: number
  readonly tls: boolean
  readonly now_ms: string
  readonly notification_usage: number
  readonly connections: number
  readonly max_connections: number
}

const oldestMajor = 14
const tolerableSkewMs = 2000

export function checkServer(row: ServerRow, skewMs: number): Finding[] {
  const findings: Finding[] = []
  const { version, version_num, standby, notification_usage, connections, max_connections } = row
  if (version_num < oldestMajor * 10_000) {
    findings.push(fault('postgres', `PostgreSQL ${version} is too old`, `upgrade to ${oldestMajor} or later`))
  } else findings.push(ok('postgres', `PostgreSQL ${version}`))
  if (standby) {
    findings.push(
      fault(
        'postgres',
        'this is a standby, which takes no messages',
        'connect to the primary, or wait for the failover to end',
      ),
    )
  }
  if (Math.abs(skewMs) > tolerableSkewMs) {
    findings.push(
      note(
        'clock',
        `the clocks of this machine and of the database differ by ${duration(Math.abs(skewMs))}`,
        'harmless for jobs, which go by the clock of the database; times shown here are off by as much',
      ),
    )
  }
  if (notification_usage > 0.1) {
    findings.push(
      fault(
        'notify',
        `the queue of notifications is ${Math.round(notification_usage * 100)} % full; when it is full, every NOTIFY fails`,
        'a session that listens holds a transaction open: look for "idle in transaction" in pg_stat_activity and end it',
      ),
    )
  }
  if (connections > max_connections * 0.85) {
    findings.push(
      warning(
        'connections',
        `${connections} of ${max_connections} connections are in use`,
        'use a pooler for producers, or raise max_connections',
      ),
    )
  }
  return findings
}

export function checkTls(row: ServerRow, { tls }: Connection, { isLocal }: Database): Finding[] {
  if (isLocal) return [ok('tls', `on this machine, ${row.tls ? 'encrypted' : 'not encrypted'}`)]
  if (tls === 'no-verify') {
    return [
      warning(
        'tls',
        'encrypted, but anybody could be at the other end (sslmode=no-verify)',
        'put ?sslrootcert=<certificate of the provider> into the connection string instead',
      ),
    ]
  }
  return tls === 'off'
    ? [
        fault(
          'tls',
          'passwords and jobs cross the network in plaintext (sslmode=disable)',
          'take sslmode=disable out of the connection string',
        ),
      ]
    : [ok('tls', 'encrypted, and the certificate is verified')]
}

/**
 * A pooler names processes of its own when one connects. In transaction mode it lends one session to two of us: then
 * the second gets the session that the first was just in.
 */
export async function checkPooler(
  first: Connection,
  row: ServerRow,
  connectAgain: () => Promise<Connection>,
): Promise<Finding[]> {
  if (first.announcedBackend === row.backend) return [ok('pooler', 'none in between: a session of its own')]
  const second = await connectAgain()
  try {
    await second.run('begin')
    const [other] = await second.rows<ServerRow>('doctor-server')
    const [again] = await first.rows<ServerRow>('doctor-server')
    await second.run('commit')
    const shared = other?.backend === row.backend || again?.backend !== row.backend
    if (!shared) return [ok('pooler', 'a pooler in session mode is in between')]
    return [
      warning(
        'pooler',
        'a pooler in transaction mode is in between: jobs are worked, LISTEN cannot wake workers',
        'set DIRECT_URL to a direct or session-mode connection (Supabase: port 5432), or use Supabase Realtime',
      ),
    ]
  } finally {
    await second[Symbol.asyncDispose]()
  }
}
