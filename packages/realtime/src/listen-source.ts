import { type Logger, summarizeError } from '@aimq/events'
import { parseTls, tlsOptions } from '@aimq/events/tls'
import { Client } from 'pg'
import { parse } from 'pg-connection-string'
import { PathError } from './errors.ts'
import { parsePayload } from './hint.ts'
import type { ListenOptions } from './options.ts'
import type { Connection, ConnectionListener, WakeSource } from './wake-source.ts'

const connectTimeoutMs = 10_000
const queryTimeoutMs = 5000

/** Wake-ups over LISTEN/NOTIFY, on a session of its own. */
export function listenSource(options: Required<ListenOptions>, logger: Logger): WakeSource {
  const wish = parseTls(options.connectionString)
  return {
    path: 'listen',
    canaryIntervalMs: options.canaryIntervalMs,
    silenceMeans: `is there a transaction pooler in between (PgBouncer, Supabase port 6543)? LISTEN needs a direct or session-mode connection`,
    async open(listener, signal) {
      const { ssl: _, ...config } = parse(wish.connectionString)
      const ssl = await tlsOptions(wish, logger)
      const newClient = () =>
        new Client({
          application_name: 'aimq listen',
          ...(config as object),
          ssl,
          keepAlive: true,
          connectionTimeoutMillis: connectTimeoutMs,
          query_timeout: queryTimeoutMs,
        })
      return openListen(newClient, options.channel, listener, signal)
    },
  }
}

async function openListen(
  newClient: () => Client,
  channel: string,
  listener: ConnectionListener,
  signal: AbortSignal,
): Promise<Connection> {
  const client = newClient()
  let sentApart = false
  let open = false
  let closing = false
  let failure: Error | undefined
  const fail = (cause: Error) => {
    failure ??= cause
    if (open && !closing) {
      closing = true
      listener.onLost(cause)
    }
  }
  // Without these two a broken session would end the process.
  client.on('error', fail)
  client.on('end', () => fail(new PathError('the database closed the session')))
  client.on('notification', (message) => {
    if (message.channel === channel) listener.onPayload(parsePayload(message.payload ?? ''))
  })
  const close = async () => {
    closing = true
    destroy(client)
  }
  const abort = () => destroy(client)
  signal.addEventListener('abort', abort, { once: true })
  try {
    signal.throwIfAborted()
    await client.connect()
    await listen(client, channel)
    signal.throwIfAborted()
    if (failure !== undefined) throw failure
    open = true
  } catch (thrown) {
    await close()
    throw explain(thrown)
  } finally {
    signal.removeEventListener('abort', abort)
  }
  return {
    async send(payload) {
      if (sentApart) return notify(client, channel, payload)
      // Our own session hears itself even behind a transaction pooler, together with the answer to its own query. Only
      // what another session sends proves that we hear at rest; once is enough, because poolers do not come and go.
      sentApart = true
      await notifyApart(newClient(), channel, payload)
    },
    close,
  }
}

async function notify(client: Client, channel: string, payload: object): Promise<void> {
  await client.query('select pg_notify($1, $2)', [channel, JSON.stringify(payload)])
}

async function notifyApart(client: Client, channel: string, payload: object): Promise<void> {
  client.on('error', () => {})
  try {
    await client.connect()
    await notify(client, channel, payload)
  } finally {
    destroy(client)
  }
}

async function listen(client: Client, channel: string): Promise<void> {
  await client.query(`listen ${client.escapeIdentifier(channel)}`)
  // Behind a transaction pooler each statement may meet another session, and ours listens to nothing.
  const { rows } = await client.query('select 1 from pg_listening_channels() as name where name = $1', [
    channel,
  ])
  if (rows.length === 0) {
    throw new PathError(
      'LISTEN was forgotten at once, as behind a transaction pooler (PgBouncer, Supabase port 6543); give `listen` a direct or session-mode connection string (Supabase: port 5432)',
      { patient: true },
    )
  }
}

function explain(thrown: unknown): Error {
  const { code, message } = summarizeError(thrown)
  if (thrown instanceof PathError) return thrown
  if (code === '0A000' || code === '25006') {
    return new PathError('this is a standby, which cannot LISTEN; connect to the primary', { cause: thrown })
  }
  if (code === '28P01' || code === '28000' || code === '3D000') {
    return new PathError(`the database refuses the session: ${message}; correct the connection string`, {
      patient: true,
      cause: thrown,
    })
  }
  return new PathError(message, { cause: thrown })
}

/** Ends the session without asking: the other side may be gone, and `client.end()` would wait for it. */
function destroy(client: Client): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } }
  connection.stream.destroy()
}
