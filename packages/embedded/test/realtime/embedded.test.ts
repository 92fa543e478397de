import { join } from 'node:path'
import { startRealtime } from '@aimq/embedded'
import { RealtimeClient } from '@supabase/realtime-js'
import pg from 'pg'
import { expect, test } from 'vitest'
import WebSocket from 'ws'
import { findPostmaster } from '../../src/postmaster.ts'
import { expectStopped, query, setup } from '../setup.ts'
import { listen, policies, RawSocket } from './setup.ts'

const privately = { config: { private: true, broadcast: { replication_ready: true } } }

async function open(realtime: { url: string; anonKey: string }): Promise<RawSocket> {
  const url = `${realtime.url.replace('http', 'ws')}/websocket?apikey=${realtime.anonKey}&vsn=2.0.0`
  const raw = new RawSocket(new WebSocket(url))
  await raw.opened
  return raw
}

test('every process has a Realtime of its own on the shared PostgreSQL, stopped with it', async () => {
  await using bundle = await setup()
  const first = await bundle.start({ realtime: true })
  const second = await bundle.start({ realtime: { joinErrorDelayMs: 0 } })
  expect([first.joined, second.joined]).toEqual([false, true])
  expect(first.realtime?.url).not.toBe(second.realtime?.url)
  await query(first.connectionString, policies('anon'))
  const client = new RealtimeClient(second.realtime?.url ?? '', {
    params: { apikey: second.realtime?.anonKey ?? '' },
  })
  const listener = listen(client, 'shared', { private: true })
  await listener.becomes('SUBSCRIBED')
  await query(first.connectionString, `select realtime.send('{}', 'e', 'shared')`)
  await listener.hears(1)
  await client.disconnect()
  await first.stop()
  expect(await query(second.connectionString, 'select count(*)::int as n from pg_replication_slots')).toEqual(
    [{ n: 1 }],
  )
  await second.stop()
  await expectStopped(second)
})

test('without the option there is none', async () => {
  await using bundle = await setup()
  expect((await bundle.start()).realtime).toBeUndefined()
})

test('a Realtime that does not start takes the start back', async () => {
  await using bundle = await setup()
  const first = await bundle.start({ realtime: true })
  const taken = bundle.start({ realtime: { port: first.realtime?.port ?? 0 } })
  await expect(taken).rejects.toMatchObject({ code: 'embedded/port-taken' })
  await expect(bundle.start({ realtime: { prt: 1 } } as object)).rejects.toThrow(
    'realtime.prt: unknown option; did you mean "port"?',
  )
  await first.stop()
  await expectStopped(first)
})

test('PostgreSQL can stop and start again under it', async () => {
  await using bundle = await setup()
  const first = await bundle.start({ realtime: { joinErrorDelayMs: 0 } })
  await query(first.connectionString, policies('anon'))
  const raw = await open(first.realtime ?? expect.unreachable())
  await raw.join('realtime:again', privately)
  await raw.next((frame) => frame[3] === 'system')
  await query(first.connectionString, `select realtime.send('{}', 'before', 'again')`)
  await raw.next(Buffer.isBuffer)
  const postmaster = await findPostmaster(join(first.dataDir, 'pgdata'))
  const start = performance.now()
  // A fast stop waits for walsenders to confirm all they have sent.
  process.kill(postmaster?.pid ?? 0, 'SIGINT')
  await expect.poll(() => postmaster?.isRunning(), { timeout: 20_000 }).toBe(false)
  expect(performance.now() - start).toBeLessThan(5000)
  const refusal = await raw.join('realtime:down', privately, '2')
  expect(refusal).toMatchObject({
    response: { reason: expect.stringMatching(/^UnableToConnectToProject: /) },
  })
  const again = await bundle.start({ port: first.port })
  await raw.join('realtime:up', privately, '3')
  expect((await raw.next((frame) => frame[3] === 'system'))[4].status).toBe('ok')
  await query(again.connectionString, `select realtime.send('{}', 'after', 'again')`)
  expect(String(await raw.next(Buffer.isBuffer))).toContain('after')
  raw.ws.terminate()
})

test('a start that waits for a transaction of somebody else can be aborted', async () => {
  await using bundle = await setup()
  const { connectionString } = await bundle.start()
  const writer = new pg.Client(connectionString)
  await writer.connect()
  await writer.query('begin; create table under_way (id int)')
  const aborter = new AbortController()
  const starting = startRealtime({ connectionString, signal: aborter.signal })
  const waits = `select 1 from pg_stat_activity where query like 'CREATE_REPLICATION_SLOT%' and wait_event_type = 'Lock'`
  await expect.poll(async () => (await query(connectionString, waits)).length, { timeout: 10_000 }).toBe(1)
  aborter.abort(new Error('changed my mind'))
  await expect(starting).rejects.toThrow('changed my mind')
  const second = startRealtime({ connectionString })
  await writer.query('commit')
  await (await second).stop()
  await writer.end()
})

test('where wal_level is not logical it falls back to notifications, and takes its trigger away', async () => {
  await using bundle = await setup()
  const { connectionString } = await bundle.start({ settings: { wal_level: 'replica' } })
  const [first, second] = [
    await startRealtime({ connectionString }),
    await startRealtime({ connectionString }),
  ]
  expect([first.backing, second.backing]).toEqual(['notify', 'notify'])
  await query(connectionString, policies('anon'))
  await first.stop()
  const raw = await open(second)
  await raw.join('realtime:notified', privately)
  expect((await raw.next((frame) => frame[3] === 'system'))[4].status).toBe('ok')
  await query(connectionString, `begin; select realtime.send('{}', 'rolled back', 'notified'); rollback`)
  await query(
    connectionString,
    `select realtime.send(jsonb_build_object('n', n, 'x', repeat('x', 10000), 'big', 9007199254740993), 'e', 'notified') from generate_series(1, 50) n`,
  )
  await query(connectionString, `select realtime.send_binary('\\x00ff', 'bytes', 'notified')`)
  for (let n = 1; n <= 50; n += 1) {
    const frame = String(await raw.next(Buffer.isBuffer))
    expect(frame).toContain(`"n": ${n},`)
    expect(frame).toContain('9007199254740993')
  }
  const bytes = (await raw.next(Buffer.isBuffer)) as Buffer
  expect([...bytes.subarray(-2)]).toEqual([0, 255])
  await query(
    connectionString,
    `select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%'`,
  )
  await expect
    .poll(
      async () =>
        (await query(connectionString, `select 1 from pg_stat_activity where query ilike 'listen%'`)).length,
    )
    .toBe(1)
  await raw.join('realtime:back', privately, '2')
  await raw.next((frame) => frame[3] === 'system')
  await query(connectionString, `select realtime.send('{}', 'again', 'notified')`)
  expect(String(await raw.next(Buffer.isBuffer))).toContain('again')
  raw.ws.terminate()
  await second.stop()
  const left = `select tgname from pg_trigger where tgname = 'aimq_notify_message' union all select proname from pg_proc where proname = 'aimq_notify_message'`
  expect(await query(connectionString, left)).toEqual([])
})
