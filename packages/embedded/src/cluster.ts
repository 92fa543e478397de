import { chown, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Binaries, type Program, programPath } from './binaries.ts'
import { EmbeddedError, embeddedErrorCodes, systemCode } from './errors.ts'
import { makeWhole, sweepDrafts } from './make-whole.ts'
import { findPostmaster } from './postmaster.ts'
import { type ProgramResult, runProgram } from './run-program.ts'
import { includeSettingsLine } from './server-settings.ts'
import type { SystemUser } from './system-user.ts'
import { waitUntil } from './wait-until.ts'

/** Where everything of one server is. */
export interface Cluster {
  /** Holds all the rest. */
  readonly home: string
  /** PostgreSQL's own folder. */
  readonly pgdata: string
  readonly log: string
  readonly binaries: Binaries
  /** `undefined`: the server runs as the user of this process. */
  readonly user: SystemUser | undefined
}

export const superuser = 'postgres'
/** Public knowledge, hence loopback only and for development only. */
export const password = 'postgres'

/** Recovery after a crash may take a while. */
const startTimeoutSeconds = 120
const stopTimeoutSeconds = 30

/** Runs `initdb` unless the data is there already; gives whether it did. */
export async function createIfMissing(cluster: Cluster, signal?: AbortSignal): Promise<boolean> {
  const version = await readVersion(cluster)
  if (version === String(cluster.binaries.major)) {
    await sweepDrafts(cluster.home)
    return false
  }
  if (version !== undefined) {
    throw new EmbeddedError(
      embeddedErrorCodes.dataDirVersion,
      `expected data of PostgreSQL ${cluster.binaries.major} in ${cluster.pgdata}, but it was made by PostgreSQL ${version}. ` +
        `Set dataDir to another folder, or dump the data with PostgreSQL ${version} and restore it here.`,
    )
  }
  return await makeWhole(cluster.pgdata, async (draft) => {
    await mkdir(draft, { mode: 0o700 })
    await handOver(draft, cluster.user)
    const passwordFile = `${draft}-password`
    try {
      await writeFile(passwordFile, password, { mode: 0o600 })
      await handOver(passwordFile, cluster.user)
      const args = [`--pgdata=${draft}`, `--username=${superuser}`, `--pwfile=${passwordFile}`]
      // Sorts and classifies text the same on every machine.
      const builtIn = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']
      const locale = ['--encoding=UTF8', '--locale=C', ...(cluster.binaries.major < 17 ? [] : builtIn)]
      const result = await run(
        cluster,
        'initdb',
        [...args, ...locale, '--auth=scram-sha-256', '--no-instructions'],
        signal,
      )
      if (result.exitCode !== 0) throw startFailed('initdb could not create the data folder', result.output)
      await writeFile(join(draft, 'postgresql.conf'), includeSettingsLine, { flag: 'a' })
    } finally {
      await rm(passwordFile, { force: true })
    }
  })
}

/**
 * Starts the server and waits until it accepts connections. `pg_ctl` makes it a daemon in a session of its own, so that
 * neither Ctrl-C nor the death of this process reaches it. Not abortable: half-way there is nothing to stop yet.
 */
export async function startServer(cluster: Cluster, port: number): Promise<void> {
  const log = await open(cluster.log, 'a', 0o600)
  const offset = (await log.stat()).size
  await log.close()
  await handOver(cluster.log, cluster.user)
  const result = await run(cluster, 'pg_ctl', [
    'start',
    '--wait',
    `--timeout=${startTimeoutSeconds}`,
    `--pgdata=${cluster.pgdata}`,
    `--log=${cluster.log}`,
  ])
  if (result.exitCode === 0) return
  const said = (await readFile(cluster.log)).subarray(offset).toString('utf8')
  if (/could not bind .*(in use|only one usage)/i.test(said)) {
    throw new EmbeddedError(
      embeddedErrorCodes.portTaken,
      `expected port ${port} on 127.0.0.1 to be free, but another program listens there. Choose another port, or leave it out for a free one.`,
    )
  }
  throw startFailed('PostgreSQL did not start', said === '' ? result.output : said, cluster.log)
}

/** Stops the server if it runs: connections are cut, transactions under way rolled back. */
export async function stopServer(cluster: Cluster): Promise<void> {
  const postmaster = await findPostmaster(cluster.pgdata)
  if (postmaster === undefined) return
  const stop = (mode: string) =>
    run(cluster, 'pg_ctl', [
      'stop',
      '--wait',
      `--timeout=${stopTimeoutSeconds}`,
      `--mode=${mode}`,
      `--pgdata=${cluster.pgdata}`,
    ])
  let result = await stop('fast')
  // A replication client that no longer answers can hold up a fast stop. Immediate is safe: the next start recovers.
  if (result.exitCode !== 0 && (await findPostmaster(cluster.pgdata)) !== undefined)
    result = await stop('immediate')
  const gone = await waitUntil(async () => ((await postmaster.isRunning()) ? undefined : true), {
    everyMs: 5,
    timeoutMs: result.exitCode === 0 ? 10_000 : 0,
  })
  if (gone !== undefined) return
  throw new EmbeddedError(
    embeddedErrorCodes.stopFailed,
    `expected the PostgreSQL server ${postmaster.pid} of ${cluster.pgdata} to stop, but it still runs. ${result.output.trim()} See ${cluster.log}.`,
  )
}

/** Gives a file or folder that this process just made to the server's user. */
async function handOver(path: string, user: SystemUser | undefined): Promise<void> {
  if (user !== undefined) await chown(path, user.uid, user.gid)
}

async function readVersion(cluster: Cluster): Promise<string | undefined> {
  try {
    return (await readFile(join(cluster.pgdata, 'PG_VERSION'), 'utf8')).trim()
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return undefined
    throw thrown
  }
}

async function run(
  cluster: Cluster,
  program: Program,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<ProgramResult> {
  return await runProgram(programPath(cluster.binaries, program), args, {
    cwd: cluster.home,
    user: cluster.user,
    signal,
  })
}

function startFailed(what: string, said: string, log?: string): EmbeddedError {
  const lastLines = said.trim().split('\n').slice(-15).join('\n')
  return new EmbeddedError(
    embeddedErrorCodes.startFailed,
    `${what}. It said${log === undefined ? '' : ` (${log})`}:\n${lastLines}`,
  )
}
