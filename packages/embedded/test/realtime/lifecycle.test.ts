import { once } from 'node:events'
import { createServer } from 'node:net'
import { startRealtime } from '@aimq/embedded'
import { expect, inject, test } from 'vitest'
import { execute, listen, makeDatabase, policies, setup } from './setup.ts'

const slots = `select count(*)::int as slots from pg_replication_slots where database = current_database()`
const backends = `from pg_stat_activity where datname = current_database() and application_name = 'aimq local realtime'`

test('stop closes sockets with 1012, frees the slot, the connections and the port, and may be called twice', async () => {
  await using bundle = await setup(inject('databaseUrl'))
  const { realtime } = bundle
  const raw = await bundle.raw()
  await raw.join('realtime:stopped')
  expect(await bundle.query(slots)).toEqual([{ slots: 1 }])
  await Promise.all([realtime.stop(), realtime.stop()])
  expect(await raw.closed).toBe(1012)
  expect(await bundle.query(slots)).toEqual([{ slots: 0 }])
  await expect.poll(() => bundle.query(`select pid ${backends}`)).toEqual([])
  await expect(fetch(`${realtime.url}/healthcheck`)).rejects.toThrow()
})

test('a client survives a restart of the server on the same port', async () => {
  await using bundle = await setup(inject('databaseUrl'))
  await bundle.query(policies('anon'))
  const listener = listen(bundle.client({ reconnectAfterMs: () => 20 }), 'restart', { private: true })
  await listener.becomes('SUBSCRIBED')
  await bundle.realtime.stop()
  await using _next = await startRealtime({
    connectionString: bundle.connectionString,
    port: bundle.realtime.port,
  })
  await listener.becomes('SUBSCRIBED', 2)
  await bundle.query(`select realtime.send('{}', 'back', 'restart')`)
  await listener.hears(1)
})

test('two servers on one database each deliver, from slots of their own', async () => {
  await using bundle = await setup(inject('databaseUrl'))
  await bundle.query(policies('anon'))
  await using second = await startRealtime({ connectionString: bundle.connectionString })
  expect(await bundle.query(slots)).toEqual([{ slots: 2 }])
  expect([second.anonKey, second.serviceRoleKey]).toEqual([
    bundle.realtime.anonKey,
    bundle.realtime.serviceRoleKey,
  ])
  const raw = await bundle.raw()
  const socket = new WebSocket(
    `${second.url.replace('http', 'ws')}/websocket?apikey=${second.anonKey}&vsn=2.0.0`,
  )
  await once(socket, 'open')
  socket.send(JSON.stringify(['1', '1', 'realtime:both', 'phx_join', { config: { private: true } }]))
  await once(socket, 'message')
  await raw.join('realtime:both', { config: { private: true } })
  const elsewhere = once(socket, 'message')
  await bundle.query(`select realtime.send('{}', 'both', 'both')`)
  expect(String(await raw.next(Buffer.isBuffer))).toContain('both')
  await elsewhere
  const closed = once(socket, 'close')
  socket.close()
  await closed
})

test('a replication connection that breaks is opened again, and sockets do not notice', async () => {
  await using bundle = await setup(inject('databaseUrl'))
  await bundle.query(policies('anon'))
  const raw = await bundle.raw()
  await raw.join('realtime:broken', { config: { private: true } })
  const before = await bundle.query(
    `select active_pid as pid from pg_replication_slots where database = current_database()`,
  )
  await bundle.query(`select pg_terminate_backend(pid) ${backends}`)
  await expect
    .poll(
      async () =>
        (
          await bundle.query(
            `select active_pid as pid from pg_replication_slots where database = current_database()`,
          )
        )[0]?.pid ?? before[0]?.pid,
    )
    .not.toBe(before[0]?.pid)
  await raw.join('realtime:ready', { config: { private: true, broadcast: { replication_ready: true } } }, '2')
  await raw.next((frame) => frame[3] === 'system')
  await bundle.query(`select realtime.send('{}', 'after', 'broken')`)
  expect(String(await raw.next(Buffer.isBuffer))).toContain('after')
})

test('without the database private joins are refused with the reason, and the public bus goes on', async () => {
  await using bundle = await setup(inject('databaseUrl'))
  const name = new URL(bundle.connectionString).pathname.slice(1)
  const [raw, other] = [await bundle.raw(), await bundle.raw()]
  const privately = { config: { private: true }, access_token: bundle.realtime.serviceRoleKey }
  await raw.join('realtime:before', privately)
  await execute(inject('databaseUrl'), `alter database ${name} allow_connections false; `)
  await execute(
    inject('databaseUrl'),
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
  )
  const reason = 'UnableToConnectToProject: Realtime was unable to connect to the project database'
  expect(await raw.join('realtime:private', privately, '2')).toEqual({
    status: 'error',
    response: { reason },
  })
  await raw.join('realtime:public', {}, '3')
  await other.join('realtime:public')
  other.send(['1', '2', 'realtime:public', 'broadcast', { type: 'broadcast', event: 'on', payload: {} }])
  await raw.next((frame) => frame[3] === 'broadcast')
  raw.send([
    '1',
    '9',
    'realtime:before',
    'access_token',
    { access_token: await bundle.realtime.sign({ role: 'service_role' }, { expiresInSeconds: 60 }) },
  ])
  expect((await raw.next((frame) => frame[3] === 'system'))[4].message).toBe(
    'Realtime was unable to connect to the project database',
  )
  await execute(inject('databaseUrl'), `alter database ${name} allow_connections true`)
  await expect
    .poll(async () => (await raw.join('realtime:private', privately, crypto.randomUUID())).status)
    .toBe('ok')
})

test('a port that is taken is an error when it was asked for', async () => {
  const { url, drop } = await makeDatabase(inject('databaseUrl'))
  const blocker = createServer().listen({ port: 0, host: '127.0.0.1' })
  await once(blocker, 'listening')
  const { port } = blocker.address() as { port: number }
  await expect(startRealtime({ connectionString: url, port })).rejects.toMatchObject({
    code: 'embedded/port-taken',
    message: expect.stringContaining(String(port)),
  })
  blocker.close()
  await drop()
})

test('a database that cannot be reached is an error', async () => {
  const failed = startRealtime({ connectionString: 'postgres://postgres:secret@127.0.0.1:1/postgres' })
  await expect(failed).rejects.toMatchObject({
    code: 'embedded/realtime-start-failed',
    message: expect.not.stringContaining('secret'),
  })
})

test('an abort undoes a start under way', async () => {
  const { url, drop } = await makeDatabase(inject('databaseUrl'))
  const early = AbortSignal.abort(new Error('changed my mind'))
  await expect(startRealtime({ connectionString: url, signal: early })).rejects.toThrow('changed my mind')
  const late = new AbortController()
  const starting = startRealtime({ connectionString: url, signal: late.signal })
  late.abort(new Error('changed my mind'))
  await expect(starting).rejects.toThrow('changed my mind')
  await drop()
})

test('faults of the options are reported together', async () => {
  const wrong = {
    connectionString: '',
    port: 0,
    jwtSecret: 'short',
    limit: {},
    limits: { socket: 1 },
    logger: {},
  }
  const error = await startRealtime(wrong as never).catch((thrown) => thrown)
  expect(error.code).toBe('embedded/invalid-options')
  expect(error.message.split('\n')).toEqual([
    'startRealtime: 6 options are not usable',
    '  - connectionString: expected a connection string, got an empty string',
    '  - port: expected a whole number from 1 to 65535, or nothing for a free port, got 0',
    '  - jwtSecret: expected at least 32 bytes',
    '  - limits.socket: unknown option; did you mean "sockets"?',
    '  - logger: expected a logger',
    '  - limit: unknown option; did you mean "limits"?',
  ])
})
