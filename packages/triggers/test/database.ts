import { randomBytes } from 'node:crypto'
import type { Logger } from '@aimq/events'
import pg from 'pg'
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser of a PostgreSQL whose `template1` has pgmq. */
    databaseUrl: string
  }
}

/** A database of its own for one test file, so that files run side by side. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string
  readonly name: string
  /** A superuser's pool, to look behind the client's back. */
  readonly pool: pg.Pool
  query<Row extends pg.QueryResultRow = Record<string, unknown>>(
    text: string,
    values?: unknown[],
  ): Promise<Row[]>
  /** The same database as another user. */
  urlAs(user: string, password: string): string
}

/** @param template `template0` gives a database without pgmq */
export async function createDatabase(
  template: 'template0' | 'template1' = 'template1',
): Promise<TestDatabase> {
  const server = inject('databaseUrl')
  const name = `triggers_test_${randomBytes(6).toString('hex')}`
  await asAdmin(server, `create database ${name} template ${template}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  const pool = new pg.Pool({ connectionString: url.href, max: 8 })
  pool.on('error', () => {})
  return {
    url: url.href,
    name,
    pool,
    query: async (text, values) => (await pool.query(text, values)).rows,
    urlAs(user, password) {
      const other = new URL(url)
      other.username = user
      other.password = password
      return other.href
    },
    async [Symbol.asyncDispose]() {
      await pool.end()
      await asAdmin(server, `drop database if exists ${name} with (force)`)
    },
  }
}

async function asAdmin(server: string, statement: string): Promise<void> {
  // Two copies of one template at once are refused: the second waits for the first.
  for (let attempt = 1; ; attempt++) {
    const client = new pg.Client({ connectionString: server })
    await client.connect()
    try {
      await client.query(statement)
      return
    } catch (thrown) {
      if ((thrown as { code?: string }).code !== '55006' || attempt >= 100) throw thrown
      await new Promise((resolve) => setTimeout(resolve, 20 * Math.random() + 10))
    } finally {
      await client.end()
    }
  }
}

/** Keeps what is logged. */
export function recordingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = []
  const log = (level: string) => (fields: object, message: string) => {
    lines.push(`${level} ${message} ${JSON.stringify(fields)}`)
  }
  return { lines, debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
}

/** What `promise` rejects with; fails when it does not. */
export async function failureOf(
  promise: Promise<unknown>,
): Promise<Error & { code?: string; transient?: boolean }> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('error' in outcome) return outcome.error as Error & { code?: string }
  throw new Error(`expected a rejection, got ${JSON.stringify(outcome.value)}`)
}

/** Everything in the catalogue that an installation could leave behind. */
export async function catalogueOf(database: TestDatabase): Promise<unknown> {
  return database.query(`
    select 'relation' as kind, n.nspname || '.' || c.relname as name, coalesce(c.relacl::text, '') || coalesce(c.reloptions::text, '') as rest
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    union all select 'schema', nspname, coalesce(nspacl::text, '') from pg_namespace where nspname not like 'pg\\_temp%' and nspname not like 'pg\\_toast\\_temp%'
    union all select 'function', n.nspname || '.' || p.proname || '/' || p.oid::text, coalesce(p.proacl::text, '')
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname not in ('pg_catalog', 'information_schema')
    union all select 'type', n.nspname || '.' || t.typname, '' from pg_type t join pg_namespace n on n.oid = t.typnamespace
      where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    union all select 'trigger', tgrelid::regclass::text || '.' || tgname, pg_get_triggerdef(oid) || tgenabled::text from pg_trigger where not tgisinternal
    union all select 'policy', polrelid::regclass::text || '.' || polname, pg_get_expr(polqual, polrelid) from pg_policy
    order by 1, 2, 3`)
}

/** What was said on a channel while `work` ran, and until it was quiet. */
export async function notificationsOf(
  database: TestDatabase,
  work: () => Promise<unknown>,
  channel = 'aimq:jobs',
): Promise<string[]> {
  const listener = new pg.Client({ connectionString: database.url })
  await listener.connect()
  const heard: string[] = []
  const done = `done ${randomBytes(6).toString('hex')}`
  const end = new Promise<void>((resolve) => {
    listener.on('notification', ({ payload = '' }) => {
      if (payload === done) resolve()
      else heard.push(payload)
    })
  })
  await listener.query(`listen "${channel}"`)
  await work()
  await database.query('select pg_notify($1, $2)', [channel, done])
  await end
  await listener.end()
  return heard
}
