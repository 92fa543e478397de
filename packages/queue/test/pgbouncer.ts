import { execFile, spawn } from 'node:child_process'
import { access, chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Pgbouncer extends AsyncDisposable {
  /** `url` by way of the pooler. */
  readonly url: string
}

/**
 * The genuine PgBouncer in transaction mode before the database of `url`, with fewer server connections than clients.
 * The test run installs it where that is possible; throws with what to do where it is not there.
 */
export async function startPgbouncer(url: string, poolSize = 2): Promise<Pgbouncer> {
  const binary = await findBinary()
  if (binary === undefined) {
    throw new Error(
      'expected pgbouncer on PATH or in /usr/sbin, found none; apt-get install pgbouncer, or brew install pgbouncer',
    )
  }
  const target = new URL(url)
  const folder = await mkdtemp(join(tmpdir(), 'queue-pgbouncer-'))
  const port = await freePort()
  const user = decodeURIComponent(target.username)
  const password = decodeURIComponent(target.password)
  const lines = [
    '[databases]',
    `* = host=${target.hostname} port=${target.port} user=${user} password='${password.replaceAll("'", "''")}'`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    `default_pool_size = ${poolSize}`,
    'max_client_conn = 100',
    'ignore_startup_parameters = extra_float_digits',
  ]
  const config = join(folder, 'pgbouncer.ini')
  await writeFile(config, lines.join('\n'))
  const identity = await unprivileged()
  if (identity !== undefined) {
    await chown(folder, identity.uid, identity.gid)
    await chown(config, identity.uid, identity.gid)
  }
  await chmod(config, 0o600)
  const child = spawn(binary, [config], { stdio: ['ignore', 'ignore', 'pipe'], ...identity })
  let log = ''
  child.stderr.on('data', (bytes) => {
    log += bytes
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await listening(port, () => (child.exitCode === null ? undefined : log))
  target.port = String(port)
  target.hostname = '127.0.0.1'
  return {
    url: target.href,
    async [Symbol.asyncDispose]() {
      child.kill('SIGQUIT')
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function findBinary(): Promise<string | undefined> {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']) {
    const candidate = join(folder, 'pgbouncer')
    if (
      await access(candidate).then(
        () => true,
        () => false,
      )
    )
      return candidate
  }
  return undefined
}

/** PgBouncer refuses to run as root. */
async function unprivileged(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const id = async (flag: string) => Number((await run('id', [flag, 'nobody'])).stdout)
  return { uid: await id('-u'), gid: await id('-g') }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function listening(port: number, failure: () => string | undefined): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const log = failure()
    if (log !== undefined) throw new Error(`pgbouncer ended at once: ${log}`)
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`expected pgbouncer to listen on port ${port} within 10 s`)
}
