import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedPostgres, startEmbedded } from '@aimq/embedded'
import pg from 'pg'
import { eventually } from './eventually.ts'
import { ownPort } from './own-port.ts'

/** A PostgreSQL of the test's own, durable, to be crashed. */
export interface PostgresServer extends AsyncDisposable {
  readonly url: string
  /** As a superuser, on a connection made for it. */
  query(text: string, values?: unknown[]): Promise<pg.QueryResult>
  /**
   * SIGKILL of one backend: PostgreSQL drops every connection and recovers from its log. Waits until it serves again;
   * answers whether there was a backend to be killed.
   */
  crash(): Promise<boolean>
  /** `immediate`: as a power cut, without a checkpoint; `fast`: as an administrator does. Resolves when it is gone. */
  stop(mode: 'immediate' | 'fast'): Promise<void>
  /** On the same port, with the same data. Resolves when it serves. */
  start(): Promise<void>
}

export async function startPostgresServer(
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'aimq-faults-'))
  const options = { dataDir, temporary: true, settings, port: await ownPort() }
  const servers: EmbeddedPostgres[] = [await startEmbedded(options)]
  const [first] = servers as [EmbeddedPostgres]
  const url = first.connectionString
  const serves = () =>
    withClient(url, (client) => client.query('select 1')).then(
      () => true,
      () => false,
    )
  return {
    url,
    query: (text, values) => withClient(url, (client) => client.query(text, values)),
    async crash() {
      let crashed = false
      await withClient(url, async (witness) => {
        const over = new Promise((resolve) => witness.once('end', resolve))
        await withClient(url, async (victim) => {
          const { rows } = await victim.query<{ pid: number }>('select pg_backend_pid() as pid')
          crashed = process.kill(Number(rows[0]?.pid), 'SIGKILL')
          // For a moment after it the server still takes connections, as if nothing had happened.
          await over
        })
      }).catch(() => {})
      await eventually(serves, 'PostgreSQL has recovered')
      return crashed
    },
    async stop(mode) {
      const pid = await postmasterOf(first.dataDir)
      if (pid !== undefined) process.kill(pid, mode === 'immediate' ? 'SIGQUIT' : 'SIGINT')
      await eventually(async () => (await postmasterOf(first.dataDir)) === undefined, 'PostgreSQL has ended')
    },
    async start() {
      servers.push(await startEmbedded(options))
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers.reverse()) await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function withClient<Result>(
  connectionString: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString })
  client.on('error', () => {})
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => {})
  }
}

/** The file is the first thing a postmaster makes and the last it takes away. */
async function postmasterOf(home: string): Promise<number | undefined> {
  const text = await readFile(join(home, 'pgdata', 'postmaster.pid'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : Number(text.split('\n')[0])
}
