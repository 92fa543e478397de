import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { isIPv6 } from 'node:net'
import { EmbeddedError, embeddedErrorCodes, systemCode } from '../errors.ts'
import { Backing, type MessageRow } from './backing.ts'
import { userBroadcast } from './broadcast.ts'
import type { Context } from './context.ts'
import { type Database, openDatabase } from './database.ts'
import { Gate } from './gate.ts'
import { createHooks, type RealtimeHooks } from './hooks.ts'
import { Hub } from './hub.ts'
import { RateLimit } from './limits.ts'
import { openNotify } from './notify.ts'
import { defaultRealtimePort, type ResolvedRealtimeOptions } from './options.ts'
import { openReplication } from './replication.ts'
import { handleRequest } from './rest.ts'
import { keepPartitions, preparePublication, prepareSchema } from './schema.ts'
import { createTokens, type Tokens } from './tokens.ts'
import { createUpgrades } from './upgrade.ts'

/** How rows of the database become broadcasts. */
export type RealtimeBacking = 'replication' | 'notify'

export interface LocalRealtime extends AsyncDisposable {
  /** What `RealtimeClient` takes as its first argument. */
  readonly url: string
  readonly port: number
  /** A token for everybody, role `anon`. */
  readonly anonKey: string
  /** A token that row-level security does not hold up, role `service_role`. */
  readonly serviceRoleKey: string
  /** A token of your own; `claims` must have a `role`. */
  readonly sign: Tokens['sign']
  readonly backing: RealtimeBacking
  /** For tests: ways to break things, and to see what happened. */
  readonly hooks: RealtimeHooks
  /** Closes every socket with code 1012 and frees everything. Idempotent. */
  stop(): Promise<void>
}

const janitorMs = 3_600_000
const closeTimeoutMs = 1000
const slotWarningMs = 3000

export async function serve(options: ResolvedRealtimeOptions): Promise<LocalRealtime> {
  const { signal, logger } = options
  signal?.throwIfAborted()
  const database = openDatabase(options.connectionString)
  const undo: (() => Promise<unknown>)[] = [() => database.end()]
  try {
    const { installed } = await prepareSchema(database)
    signal?.throwIfAborted()
    const backingKind = await chooseBacking(database)
    if (backingKind === 'replication') await preparePublication(database)
    const context = createContext(options, database, backingKind)
    const { backing, tokens } = context
    undo.unshift(() => backing.stop())
    await startBacking(backing, options)
    signal?.throwIfAborted()
    const upgrades = createUpgrades(context)
    const server = createServer((request, response) => {
      handleRequest(context, request, response).catch(() => response.destroy())
    })
    server.on('upgrade', upgrades.handle)
    const port = await listen(server, options)
    undo.unshift(() => closeServer(server, context))
    const janitor = setInterval(() => {
      keepPartitions(database).catch((cause) => logger.warn({ cause: String(cause) }, 'no new partitions'))
    }, janitorMs).unref()
    undo.unshift(async () => clearInterval(janitor))
    const [anonKey, serviceRoleKey] = await Promise.all([tokens.key('anon'), tokens.key('service_role')])
    signal?.throwIfAborted()
    const host = isIPv6(options.host) ? `[${options.host}]` : options.host
    const url = `http://${host}:${port}/realtime/v1`
    logger.info(
      { url, backing: backingKind, schema: installed ? 'installed' : 'found' },
      'local Realtime for development and tests is up; it is no Supabase and not for production',
    )
    let stopped: Promise<void> | undefined
    const stop = () => {
      stopped ??= undoAll(undo)
      return stopped
    }
    return {
      url,
      port,
      anonKey,
      serviceRoleKey,
      sign: tokens.sign,
      backing: backingKind,
      hooks: createHooks(context, upgrades),
      stop,
      [Symbol.asyncDispose]: stop,
    }
  } catch (thrown) {
    await undoAll(undo)
    signal?.throwIfAborted()
    if (thrown instanceof EmbeddedError) throw thrown
    throw startFailed(thrown)
  }
}

function createContext(
  options: ResolvedRealtimeOptions,
  database: Database,
  backingKind: RealtimeBacking,
): Context {
  const { limits, connectionString } = options
  const events = new RateLimit(limits.eventsPerSecond, limits.rateBucketMs)
  const hub = new Hub(events)
  const backing = new Backing(
    (onRow, onEnd, wanted) =>
      backingKind === 'replication'
        ? openReplication(connectionString, onRow, onEnd, wanted)
        : openNotify(connectionString, database, onRow, onEnd),
    (row) => publishRow(context, row),
    options.logger,
  )
  const context: Context = {
    options,
    tokens: createTokens(options.jwtSecret),
    database,
    backing,
    hub,
    gate: new Gate(),
    events,
    joinRate: new RateLimit(limits.joinsPerSecond, limits.rateBucketMs),
    sockets: new Set(),
    joins: [],
  }
  return context
}

/** May take as long as somebody's transaction, so it can be aborted and says what it waits for. */
async function startBacking(backing: Backing, { signal, logger }: ResolvedRealtimeOptions): Promise<void> {
  const giveUp = () => void backing.stop()
  const timer = setTimeout(() => {
    logger.warn({}, 'the replication slot waits for transactions that are open somewhere on this PostgreSQL')
  }, slotWarningMs).unref()
  signal?.addEventListener('abort', giveUp, { once: true })
  try {
    await backing.start()
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', giveUp)
  }
}

/** Says nothing to the sender when it cannot be sent on, as Supabase. */
function publishRow(context: Context, row: MessageRow): void {
  const { hub, options, events } = context
  const { topic, event, payload, binaryPayload } = row
  hub.rows += 1
  if (row.extension !== 'broadcast') return
  const bytes = binaryPayload ?? (payload === undefined ? undefined : Buffer.from(payload, 'utf8'))
  const reason =
    topic === undefined || event === undefined || bytes === undefined
      ? 'topic, event or payload is missing'
      : bytes.length > (options.limits.payloadBytes ?? Number.POSITIVE_INFINITY)
        ? 'the payload is too long'
        : events.isTripped()
          ? 'too many messages per second'
          : Buffer.byteLength(`realtime:${topic}`) > 255 || Buffer.byteLength(event) > 255
            ? 'topic or event is longer than 255 bytes'
            : undefined
  if (topic === undefined || event === undefined || bytes === undefined || reason !== undefined) {
    options.logger.warn({ id: row.id, reason }, 'a broadcast from the database was dropped')
    return
  }
  const encoding = binaryPayload === undefined ? 'json' : 'binary'
  const broadcast = userBroadcast(topic, { event, encoding, payload: bytes, meta: { id: row.id } }, row.id)
  hub.publish({ sub: topic, private: row.private }, broadcast)
}

async function chooseBacking(database: Database): Promise<RealtimeBacking> {
  const [row] = await database.query(`select current_setting('wal_level') as wal_level`)
  return row?.wal_level === 'logical' ? 'replication' : 'notify'
}

async function listen(server: Server, { host, port }: ResolvedRealtimeOptions): Promise<number> {
  const tried = port === undefined ? [defaultRealtimePort, 0] : [port]
  for (const candidate of tried) {
    try {
      server.listen({ host, port: candidate, exclusive: true })
      await once(server, 'listening')
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : candidate
    } catch (thrown) {
      if (candidate !== tried.at(-1)) continue
      if (systemCode(thrown) !== 'EADDRINUSE' && systemCode(thrown) !== 'EACCES') throw thrown
      throw new EmbeddedError(
        embeddedErrorCodes.portTaken,
        `expected port ${candidate} on ${host} to be free for Realtime, but another program listens there (or this user may not). Choose another port, or leave it out for a free one.`,
        { cause: thrown },
      )
    }
  }
  throw new EmbeddedError(embeddedErrorCodes.realtimeStartFailed, `expected a free TCP port on ${host}`)
}

/** Says goodbye with 1012 (service restart), which every client answers by connecting again. */
async function closeServer(server: Server, { sockets, gate }: Context): Promise<void> {
  gate.open()
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  for (const socket of [...sockets]) {
    socket.thaw()
    socket.close(1012)
  }
  const timer = setTimeout(() => {
    for (const socket of [...sockets]) socket.terminate()
    server.closeAllConnections()
  }, closeTimeoutMs)
  server.closeIdleConnections()
  await closed
  clearTimeout(timer)
}

async function undoAll(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (const step of steps) await step().catch(() => {})
}

function startFailed(cause: unknown): EmbeddedError {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new EmbeddedError(
    embeddedErrorCodes.realtimeStartFailed,
    `expected to serve schema realtime of the database given, but: ${message}. The database must be reachable, and its user a superuser (or have REPLICATION and own schema realtime).`,
    { cause },
  )
}
