import { type Clock, type Logger, summarizeError } from '@aimq/events'
import { parseTls, tlsOptions } from '@aimq/events/tls'
import { Client } from 'pg'
import { parse } from 'pg-connection-string'
import { PathError } from './errors.ts'
import { isListenerWanted, parsePayload } from './hint.ts'
import { ListenerRegister, notifyAndLook } from './listener-register.ts'
import type { ListenOptions } from './options.ts'
import type { Connection, ConnectionListener, WakeSource } from './wake-source.ts'

const connectTimeoutMs = 10_000
const queryTimeoutMs = 5000
/** A session that waits for a lock hears nothing meanwhile. */
const lockTimeout = '250ms'

/** Wake-ups over LISTEN/NOTIFY, on a session of its own. */
export function listenSource(options: Required<ListenOptions>, logger: Logger, clock: Clock): WakeSource {
  const ids = new Set<string>()
  let awake: ReadonlySet<string> = new Set()
  let register: ListenerRegister | undefined
  const wish = parseTls(options.connectionString)
  return {
    path: 'listen',
    canaryIntervalMs: options.canaryIntervalMs,
    silenceMeans: `is there a transaction pooler in between (PgBouncer, Supabase port 6543)? LISTEN needs a direct or session-mode connection`,
    setUnneeded(queues) {
      awake = queues
      register?.setAwake(queues)
    },
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
      const client = newClient()
      register = new ListenerRegister({
        clock,
        query: (text, values) => client.query(text, values),
        awake,
        ids,
        onMissed: (queues) => listener.onMissed(queues),
        onDoubt: (cause) => listener.onDoubt(cause),
      })
      return openListen({ client, newClient, register, channel: options.channel }, listener, signal)
    },
  }
}

interface Session {
  readonly client: Client
  readonly newClient: () => Client
  readonly register: ListenerRegister
  readonly channel: string
}

async function openListen(
  { client, newClient, register, channel }: Session,
  listener: ConnectionListener,
  signal: AbortSignal,
): Promise<Connection> {
  let sentApart = false
  let apart: Client | undefined
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
    if (message.channel !== channel) return
    const payload = parsePayload(message.payload ?? '')
    if (isListenerWanted(payload)) register.wanted()
    else listener.onPayload(payload)
  })
  const close = async () => {
    closing = true
    register.close()
    destroy(client)
    if (apart !== undefined) destroy(apart)
  }
  const abort = () => destroy(client)
  signal.addEventListener('abort', abort, { once: true })
  try {
    signal.throwIfAborted()
    await client.connect()
    await listen(client, channel)
    await register.start()
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
      if (sentApart) {
        if (await notify(client, channel, payload)) void register.found()
        return
      }
      // Our own session hears itself even behind a transaction pooler, together with the answer to its own query, and
      // even on a primary that a failover left behind. Only what another session sends proves that we hear at rest, and
      // where others send; once is enough until there is reason to doubt, because poolers do not come and go.
      sentApart = true
      apart = newClient()
      await notifyApart(apart, channel, payload)
    },
    doubt() {
      sentApart = false
    },
    leave: () => register.leave(),
    close,
  }
}

/** Answers whether there is a register of listeners. */
async function notify(client: Client, channel: string, payload: object): Promise<boolean> {
  const { rows } = await client.query(notifyAndLook, [channel, JSON.stringify(payload)])
  return rows[0]?.installed === true
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
  const { rows } = await client.query(
    `select set_config('lock_timeout', $2, false) from pg_listening_channels() as name where name = $1`,
    [channel, lockTimeout],
  )
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
