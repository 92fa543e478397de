import { readFile } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createQueueClient } from '../src/index.ts'
import { createDatabase, failureOf, recordingLogger, type TestDatabase } from './database.ts'

const folder = new URL('fixtures/tls/', import.meta.url)
const certificate = fileURLToPath(new URL('localhost.pem', folder))
const sockets = new Set<Socket>()
let database: TestDatabase
let front: Server
let url: URL

/** PostgreSQL behind TLS with a certificate that only itself has signed, as providers with a CA of their own have it. */
beforeAll(async () => {
  database = await createDatabase()
  await database.query(`select pgmq.create('emails')`)
  const target = new URL(database.url)
  const [key, cert] = await Promise.all([readFile(new URL('localhost.key', folder)), readFile(certificate)])
  front = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    // The first message asks for TLS, and S is the answer that it may begin.
    socket.once('data', () => {
      socket.write('S')
      const secure = new TLSSocket(socket, { isServer: true, key, cert })
      const up = connect(Number(target.port), target.hostname)
      secure.on('error', () => up.destroy())
      up.on('error', () => secure.destroy())
      secure.pipe(up).pipe(secure)
    })
  })
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  const address = front.address()
  url = new URL(target)
  url.hostname = 'localhost'
  url.port = String(typeof address === 'object' ? address?.port : '')
})

afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => front.close(resolve))
  await database[Symbol.asyncDispose]()
})

function clientWith(parameters: Record<string, string>, logger = recordingLogger()) {
  const copy = new URL(url)
  for (const [name, value] of Object.entries(parameters)) copy.searchParams.set(name, value)
  return createQueueClient({ connectionString: copy.href, logger })
}

it.each(['require', 'verify-ca', 'verify-full'])(
  'refuses a certificate that nobody it knows has signed, and says what to set: %s',
  async (sslmode) => {
    await using client = clientWith({ sslmode })
    const error = await failureOf(client.probe('emails'))
    expect(error).toMatchObject({ code: 'queue/tls-failed', transient: false })
    expect(error.message).toMatch(/sslrootcert .*Supabase.* sslmode=no-verify/)
  },
)

it('accepts the certificate of sslrootcert', async () => {
  await using client = clientWith({ sslrootcert: certificate })
  expect(await client.probe('emails')).toEqual({ nextDueInMs: null, newestId: null })
})

it('verifies the name as well', async () => {
  const copy = new URL(url)
  copy.hostname = '127.0.0.1'
  copy.searchParams.set('sslmode', 'require')
  copy.searchParams.set('sslrootcert', certificate)
  await using client = createQueueClient({ connectionString: copy.href })
  expect(await failureOf(client.probe('emails'))).toMatchObject({ code: 'queue/tls-failed' })
})

it('takes anybody with no-verify, and warns once', async () => {
  const logger = recordingLogger()
  await using client = clientWith({ sslmode: 'no-verify' }, logger)
  await Promise.all([client.probe('emails'), client.probe('emails'), client.probe('emails')])
  expect(logger.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1)
})

it('says of a server on this machine without TLS that it was asked for, and nothing of other machines', async () => {
  const copy = new URL(database.url)
  copy.searchParams.set('sslmode', 'require')
  await using client = createQueueClient({ connectionString: copy.href })
  const error = await failureOf(client.probe('emails'))
  expect(error).toMatchObject({ code: 'queue/tls-failed' })
  expect(error.message).toContain('sslmode asks for it')
  expect(error.message).not.toContain('another machine')
})
