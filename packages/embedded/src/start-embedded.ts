import { existsSync } from 'node:fs'
import { rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { findBinaries } from './binaries.ts'
import { type Cluster, stopServer } from './cluster.ts'
import { connectionString } from './connect.ts'
import { type DataHome, pgdataName, prepareDataHome } from './data-home.ts'
import { type EmbeddedOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { makeReachable, noteName } from './reachable-home.ts'
import type { EmbeddedRealtimeOptions } from './realtime/options.ts'
import type { LocalRealtime } from './realtime/server.ts'
import { countUsers, type Registration, register } from './registrations.ts'
import { joinOrStart, type Traces } from './running-server.ts'
import { acquireStartLock, type StartLock } from './start-lock.ts'
import { startRealtime } from './start-realtime.ts'

export interface EmbeddedPostgres extends AsyncDisposable {
  /** User and password are both `postgres`. */
  readonly connectionString: string
  readonly port: number
  /** The folder that holds the data. Not the one asked for if root could not share that with the server's user. */
  readonly dataDir: string
  /** It was already running. */
  readonly joined: boolean
  /** The Realtime server of this process, when the option `realtime` asked for one. */
  readonly realtime?: LocalRealtime
  /** Leaves; the last one who leaves stops the server. Idempotent. */
  stop(): Promise<void>
}

/** Everything below `home` that is ours, except the lock. */
const ownFiles: readonly string[] = [
  pgdataName,
  'extensions',
  'users',
  'postgres.log',
  'server.conf',
  '.gitignore',
]

/**
 * Starts PostgreSQL with pgmq on a data folder, or joins the server that runs there already. Every caller is
 * registered with its process; the server stops when the last living one leaves.
 */
export async function startEmbedded(
  options: EmbeddedOptions & { readonly realtime: true | EmbeddedRealtimeOptions },
): Promise<EmbeddedPostgres & { readonly realtime: LocalRealtime }>
export async function startEmbedded(options?: EmbeddedOptions): Promise<EmbeddedPostgres>
export async function startEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedPostgres> {
  const resolved = resolveOptions(options)
  const postgres = await startPostgres(resolved)
  if (resolved.realtime === undefined) return postgres
  const { connectionString } = postgres
  const { signal } = resolved
  try {
    const realtime = await startRealtime({
      connectionString,
      ...resolved.realtime,
      ...(signal === undefined ? {} : { signal }),
    })
    const stop = once(async () => {
      await realtime.stop()
      await postgres.stop()
    })
    return { ...postgres, realtime, stop, [Symbol.asyncDispose]: stop }
  } catch (thrown) {
    await postgres.stop()
    throw thrown
  }
}

async function startPostgres(resolved: ResolvedOptions): Promise<EmbeddedPostgres> {
  const { signal, temporary } = resolved
  signal?.throwIfAborted()
  const { dataHome, cluster, lock } = await prepare(resolved, signal)
  const users = join(cluster.home, 'users')
  const traces: Traces = { created: false, started: false }
  try {
    const registration = await register(users)
    try {
      const { port, joined } = await joinOrStart(cluster, resolved, traces)
      await lock.release()
      const stop = once(() => leave(dataHome, cluster, registration, temporary))
      return {
        connectionString: connectionString(port),
        port,
        dataDir: cluster.home,
        joined,
        stop,
        [Symbol.asyncDispose]: stop,
      }
    } catch (thrown) {
      await registration.remove()
      if (traces.started && (await countUsers(users)) === 0) await stopServer(cluster)
      if (traces.created && temporary) await removeData(dataHome, lock)
      throw thrown
    }
  } catch (thrown) {
    await lock.release()
    throw thrown
  }
}

async function prepare(
  { dataDir, binaries: installation }: ResolvedOptions,
  signal: AbortSignal | undefined,
): Promise<{ dataHome: DataHome; cluster: Cluster; lock: StartLock }> {
  const dataHome = await prepareDataHome(dataDir)
  const { home, user } = dataHome
  const found = await findBinaries(installation)
  const binaries = user === undefined ? found : await makeReachable(found, user)
  const lock = await acquireStartLock(join(home, 'lock'), signal)
  const cluster = { home, pgdata: join(home, pgdataName), log: join(home, 'postgres.log'), binaries, user }
  return { dataHome, cluster, lock }
}

async function leave(
  dataHome: DataHome,
  cluster: Cluster,
  registration: Registration,
  temporary: boolean,
): Promise<void> {
  // Deleted under our feet: PostgreSQL sees that too and ends by itself. Nothing is left to lock or to leave.
  if (!existsSync(cluster.home)) return
  const lock = await acquireStartLock(join(cluster.home, 'lock'))
  try {
    await registration.remove()
    if ((await countUsers(join(cluster.home, 'users'))) > 0) return
    await stopServer(cluster)
    if (temporary) await removeData(dataHome, lock)
  } finally {
    await lock.release()
  }
}

/** Only what is ours: the folder asked for may hold other things. The lock goes last, it guards all of this. */
async function removeData({ home, requested }: DataHome, lock: StartLock): Promise<void> {
  for (const name of ownFiles) await rm(join(home, name), { recursive: true, force: true, maxRetries: 5 })
  await lock.remove()
  await rmdir(home).catch(() => {})
  if (home === requested) return
  await rm(join(requested, noteName), { force: true })
  await rm(join(requested, '.gitignore'), { force: true })
  await rmdir(requested).catch(() => {})
}

/** Concurrent and later callers share one run. A failed one may be tried again. */
function once(work: () => Promise<void>): () => Promise<void> {
  let run: Promise<void> | undefined
  return () => {
    run ??= work().catch((thrown) => {
      run = undefined
      throw thrown
    })
    return run
  }
}
