import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { type Cluster, createIfMissing, startServer } from './cluster.ts'
import { connect } from './connect.ts'
import { EmbeddedError, embeddedErrorCodes } from './errors.ts'
import type { ResolvedOptions } from './options.ts'
import { extensionFolder, installPgmq } from './pgmq-extension.ts'
import { anyPort, choosePort } from './port.ts'
import { disownPidFile, findPostmaster, type Postmaster } from './postmaster.ts'
import { writeServerSettings } from './server-settings.ts'
import { waitUntil } from './wait-until.ts'

export interface RunningServer {
  readonly port: number
  readonly joined: boolean
}

/** What a start has done so far, for whoever has to undo it. */
export interface Traces {
  created: boolean
  started: boolean
}

/** How long a server on its way up or down, which nobody watches any more, is waited for. */
const settleTimeoutMs = 120_000
/** How long a server that broke a connection may take to be gone. */
const endTimeoutMs = 3_000
/** How long children of a killed server may take to notice and end, before the data can be opened again. */
const orphanTimeoutMs = 15_000

/** Joins the server of this data folder, or starts it. Call it under the start lock. */
export async function joinOrStart(
  cluster: Cluster,
  options: ResolvedOptions,
  traces: Traces,
): Promise<RunningServer> {
  const { signal } = options
  const running = await findSettled(cluster, signal)
  if (running !== undefined) {
    assertPort(options.port, running.port, cluster)
    try {
      await assertServes(running.port, cluster)
      await installPgmq(running.port, cluster)
      return { port: running.port, joined: true }
    } catch (thrown) {
      if (!(await endsSoon(running))) throw thrown
      return await joinOrStart(cluster, options, traces)
    }
  }
  // Before the long work, so that the fault comes at once.
  const port = await choosePort(options.port)
  traces.created = await createIfMissing(cluster, signal)
  signal?.throwIfAborted()
  traces.started = true
  let finalPort: number
  try {
    finalPort = await startOnFreePort(cluster, port, options)
  } catch (thrown) {
    // Somebody was killed when its pg_ctl was already on its way, and that one was faster.
    if (!messageOf(thrown).includes('lock file "postmaster.pid" already exists')) throw thrown
    if ((await findSettled(cluster, signal)) === undefined) throw thrown
    return await joinOrStart(cluster, options, traces)
  }
  signal?.throwIfAborted()
  await installPgmq(finalPort, cluster)
  signal?.throwIfAborted()
  return { port: finalPort, joined: false }
}

/** The running server once it is ready; `undefined` when there is none (any more). */
async function findSettled(
  cluster: Cluster,
  signal: AbortSignal | undefined,
): Promise<Postmaster | undefined> {
  const look = async () => {
    const postmaster = await findPostmaster(cluster.pgdata)
    return postmaster === undefined ? 'none' : postmaster.ready ? postmaster : undefined
  }
  const settled = await waitUntil(look, { everyMs: 20, timeoutMs: settleTimeoutMs, signal })
  if (settled === undefined) {
    throw new EmbeddedError(
      embeddedErrorCodes.startFailed,
      `expected the server of ${cluster.home} to become ready, but it did not within ${settleTimeoutMs / 1000} s. See ${cluster.log}.`,
    )
  }
  return settled === 'none' ? undefined : settled
}

/** Did it fail us because it is ending: killed a moment ago, or told to stop by somebody else? */
async function endsSoon(postmaster: Postmaster): Promise<boolean> {
  const look = async () => ((await postmaster.isRunning()) ? undefined : true)
  return (await waitUntil(look, { everyMs: 10, timeoutMs: endTimeoutMs })) ?? false
}

async function startOnFreePort(
  cluster: Cluster,
  firstPort: number,
  options: ResolvedOptions,
): Promise<number> {
  const extensions = await extensionFolder(cluster)
  const end = performance.now() + orphanTimeoutMs
  for (let port = firstPort, attempt = 1; ; attempt += 1) {
    await writeServerSettings(cluster.home, { port, extensions, settings: options.settings })
    await disownPidFile(cluster.pgdata)
    try {
      await startServer(cluster, port)
      return port
    } catch (thrown) {
      options.signal?.throwIfAborted()
      if (!(thrown instanceof EmbeddedError)) throw thrown
      // Somebody took the free port between our look and PostgreSQL's.
      if (thrown.code === embeddedErrorCodes.portTaken && options.port === undefined && attempt < 5)
        port = await anyPort()
      else if (!/shared memory block .* still in use/.test(thrown.message) || performance.now() > end)
        throw thrown
    }
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

function assertPort(requested: number | undefined, actual: number, cluster: Cluster): void {
  if (requested === undefined || requested === actual) return
  throw new EmbeddedError(
    embeddedErrorCodes.portDiffers,
    `expected the server of ${cluster.home} on port ${requested}, but it already runs on port ${actual}. Leave the port out to join it, or stop it first.`,
  )
}

/** The pid file could be a copy, or the port have gone to another server: ask the server itself. */
async function assertServes(port: number, cluster: Cluster): Promise<void> {
  let actual: string
  try {
    await using connection = await connect(port)
    const { rows } = await connection.query("select current_setting('data_directory') as folder")
    actual = await realpath(String(rows[0]?.folder))
  } catch (cause) {
    throw new EmbeddedError(
      embeddedErrorCodes.startFailed,
      `expected the running server of ${cluster.home} to accept user postgres with password postgres on port ${port}, but it did not: ${messageOf(cause)}. If the password was changed, connect by yourself; else see ${cluster.log}.`,
      { cause },
    )
  }
  if (actual === cluster.pgdata) return
  throw new EmbeddedError(
    embeddedErrorCodes.startFailed,
    `expected the server on port ${port} to serve ${cluster.pgdata}, but it serves ${actual}. Stop that one, or delete ${join(cluster.pgdata, 'postmaster.pid')} if it is a copy.`,
  )
}
