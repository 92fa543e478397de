import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedOptions, type EmbeddedPostgres, startEmbedded } from '@aimq/embedded'
import pg from 'pg'
import { expect } from 'vitest'
import { findPostmaster } from '../src/postmaster.ts'
import { waitUntil } from '../src/wait-until.ts'

export interface Starter {
  readonly child: ChildProcess
  readonly connectionString: string
  readonly port: number
  readonly dataDir: string
  readonly joined: boolean
  /** Present instead of the rest when the start failed. */
  readonly code?: string
  readonly message?: string
  stop(): Promise<void>
  kill(): Promise<void>
}

export interface Bundle extends AsyncDisposable {
  /** A new folder of this test, open to every user. */
  readonly folder: string
  readonly dataDir: string
  start(options?: EmbeddedOptions): Promise<EmbeddedPostgres>
  /** Resolves as soon as this file is in the data folder. */
  seen(file: string): Promise<void>
  /** Starts in another process, and kills that as soon as this file is in the data folder. */
  killOnceSeen(file: string): Promise<void>
  /** The same in another process. */
  startElsewhere(options?: EmbeddedOptions, dropTo?: { uid: number; gid: number }): Promise<Starter>
}

/** What one test works with. Disposing it ends every process it started, and deletes every file. */
export async function setup(): Promise<Bundle> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'aimq-test-')))
  await chmod(folder, 0o755)
  const dataDir = join(folder, 'data')
  const started: EmbeddedPostgres[] = []
  const children: ChildProcess[] = []
  const homes = new Set([dataDir])
  const forkStarter = (options: EmbeddedOptions, dropTo?: { uid: number; gid: number }): ChildProcess => {
    const argument = JSON.stringify({ options: { dataDir, ...options }, dropTo })
    const child = fork(new URL('./fixtures/starter.ts', import.meta.url), [argument], {
      execArgv: ['--conditions=@aimq/source'],
    })
    children.push(child)
    return child
  }
  const seen = async (file: string) => {
    const isThere = async () => (existsSync(join(dataDir, file)) ? true : undefined)
    expect(await waitUntil(isThere, { everyMs: 1, timeoutMs: 30_000 })).toBe(true)
  }
  return {
    folder,
    dataDir,
    seen,
    async killOnceSeen(file) {
      const child = forkStarter({})
      await seen(file)
      child.kill('SIGKILL')
      await exit(child)
    },
    async start(options = {}) {
      const embedded = await startEmbedded({ dataDir, ...options })
      homes.add(embedded.dataDir)
      started.push(embedded)
      return embedded
    },
    async startElsewhere(options = {}, dropTo) {
      const child = forkStarter(options, dropTo)
      const [told] = await once(child, 'message')
      if (told.dataDir !== undefined) homes.add(told.dataDir)
      return {
        child,
        ...told,
        async stop() {
          child.send('stop')
          await exit(child)
        },
        async kill() {
          child.kill('SIGKILL')
          await exit(child)
        },
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(started.map((embedded) => embedded.stop()))
      for (const child of children) child.kill('SIGKILL')
      for (const home of homes) {
        // A test that failed half-way may leave a server that nobody is registered with.
        const postmaster = await findPostmaster(join(home, 'pgdata'))
        if (postmaster !== undefined) {
          process.kill(postmaster.pid, 'SIGQUIT')
          await expect.poll(() => postmaster.isRunning(), { timeout: 20_000 }).toBe(false)
        }
        await rm(home, { recursive: true, force: true, maxRetries: 5 })
      }
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function exit(child: ChildProcess): Promise<void> {
  if ((child.exitCode ?? child.signalCode) === null) await once(child, 'exit')
}

/** Runs one statement on a connection of its own. */
export async function query(connectionString: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(connectionString)
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

export async function postmasterOf(home: string): Promise<number | undefined> {
  return (await findPostmaster(join(home, 'pgdata')))?.pid
}

export async function registrationsIn(home: string): Promise<number> {
  return (await readdir(join(home, 'users'))).length
}

/** No server of this folder, and nobody registered with it. */
export async function expectStopped(embedded: { port: number; dataDir: string }): Promise<void> {
  expect(await postmasterOf(embedded.dataDir)).toBeUndefined()
  expect(await registrationsIn(embedded.dataDir)).toBe(0)
  const refused = query(`postgres://postgres:postgres@127.0.0.1:${embedded.port}/postgres`, 'select 1')
  await expect(refused).rejects.toMatchObject({ code: 'ECONNREFUSED' })
}
