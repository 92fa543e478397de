import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Bundle, listen, policies, setup } from './setup.ts'

let bundle: Bundle
beforeAll(async () => {
  bundle = await setup(inject('databaseUrl'))
  await bundle.query(policies('anon'))
})
afterAll(async () => bundle[Symbol.asyncDispose]())

const send = (topic: string, payload: string, event = 'e') =>
  bundle.query('select realtime.send($1::jsonb, $2, $3)', [payload, event, topic])

test('two thousand rows of one transaction arrive in order, and a rolled back one never does', async () => {
  const listener = listen(bundle.client(), 'order', { private: true })
  await listener.becomes('SUBSCRIBED')
  await bundle.query(`begin; select realtime.send('{"n": -1}', 'e', 'order'); rollback`)
  await bundle.query(
    `select realtime.send(jsonb_build_object('n', n), 'e', 'order') from generate_series(1, 2000) n`,
  )
  await listener.hears(2000)
  expect(listener.heard.map(({ payload }) => payload.n)).toEqual(
    Array.from({ length: 2000 }, (_, index) => index + 1),
  )
})

test('meta.id is the id of the row; an id of the payload stays', async () => {
  const listener = listen(bundle.client(), 'ids', { private: true })
  await listener.becomes('SUBSCRIBED')
  await send('ids', '{"id": "mine", "text": "größe ☃"}')
  await send('ids', '{}')
  await listener.hears(2)
  const rows = await bundle.query(`select id from realtime.messages where topic = 'ids' order by inserted_at`)
  expect(listener.heard.map(({ meta }) => meta?.id)).toEqual(rows.map(({ id }) => id))
  expect(listener.heard[0]?.payload).toEqual({ id: 'mine', text: 'größe ☃' })
  expect(listener.heard[1]?.payload).toEqual({ id: rows[1]?.id })
})

test('numbers beyond 2^53 leave the server as they are in the database', async () => {
  const raw = await bundle.raw()
  await raw.join('realtime:big', { config: { private: true } })
  await send('big', '{"id":"x","n": 9007199254740993, "f": 1.0}')
  const frame = (await raw.next(Buffer.isBuffer)) as Buffer
  expect(frame.toString('utf8')).toContain('"n": 9007199254740993')
  expect(frame.toString('utf8')).toContain('"f": 1.0')
})

test('rows that are no broadcast, lack something or are too long are dropped, and the stream goes on', async () => {
  await using small = await setup(inject('databaseUrl'), { limits: { payloadBytes: 100 } })
  await small.query(policies('anon'))
  const listener = listen(small.client(), 'drops', { private: true })
  await listener.becomes('SUBSCRIBED')
  await small.query(`
    insert into realtime.messages (topic, extension, event, payload, private) values
      ('drops', 'presence', 'e', '{}', true), ('drops', 'broadcast', null, '{}', true),
      ('drops', 'broadcast', 'e', null, true), ('drops', 'broadcast', 'e', to_jsonb(repeat('x', 101)), true),
      ('drops', 'broadcast', repeat('x', 256), '{}', true), ('drops', 'broadcast', 'good', '{}', true)`)
  await small.query(`delete from realtime.messages; truncate realtime.messages`)
  await listener.hears(1)
  expect(listener.heard).toMatchObject([{ event: 'good' }])
})

test('replication_ready is answered when the stream is live', async () => {
  const listener = listen(bundle.client(), 'ready', { private: true, broadcast: { replication_ready: true } })
  await listener.becomes('SUBSCRIBED')
  await expect
    .poll(() => listener.systems)
    .toMatchObject([
      { status: 'ok', extension: 'system', message: 'Replication connection established', channel: 'ready' },
    ])
})

test('replication_ready waits for a stream that is down, and closes the channel when it takes too long', async () => {
  await using broken = await setup(inject('databaseUrl'), { replicationReadyTimeoutMs: 400 })
  await broken.query(policies('anon'))
  await broken.realtime.hooks.stopReplication()
  const config = { config: { private: true, broadcast: { replication_ready: true } } }
  const [late, lucky] = [await broken.raw(), await broken.raw()]
  await late.join('realtime:late', config)
  const message = 'Replication connection was not established in time'
  expect(await late.next()).toMatchObject([
    '1',
    null,
    'realtime:late',
    'system',
    { status: 'error', message },
  ])
  expect(await late.next()).toEqual(['1', '1', 'realtime:late', 'phx_close', {}])
  await lucky.join('realtime:lucky', config)
  await broken.realtime.hooks.startReplication()
  expect(await lucky.next()).toMatchObject(['1', null, 'realtime:lucky', 'system', { status: 'ok' }])
})

test('replay gives the newest since then, oldest first, marked, and not again', async () => {
  const live = listen(bundle.client(), 'replay', { private: true })
  await live.becomes('SUBSCRIBED')
  for (let n = 1; n <= 30; n += 1) await send('replay', `{"n": ${n}}`)
  await bundle.query(`select realtime.send_binary('\\x01'::bytea, 'bytes', 'replay')`)
  await bundle.query(`select realtime.send('{"open": true}', 'e', 'replay', false)`)
  await live.hears(31)
  const since = Date.now() - 60_000
  const few = listen(bundle.client(), 'replay', { private: true, broadcast: { replay: { since, limit: 3 } } })
  await few.hears(3)
  expect(few.heard.map(({ event, payload }) => payload.n ?? event)).toEqual([29, 30, 'bytes'])
  expect(few.heard.every(({ meta }) => meta?.replayed === true && meta.id !== undefined)).toBe(true)
  const many = listen(bundle.client(), 'replay', {
    private: true,
    broadcast: { replay: { since, limit: 999 } },
  })
  await many.hears(25)
  await send('replay', '{"n": 31}')
  await many.hears(26)
  expect(many.heard.map(({ payload }) => payload.n)).toEqual([
    ...Array.from({ length: 24 }, (_, n) => n + 7),
    undefined,
    31,
  ])
  const later = listen(bundle.client(), 'replay', {
    private: true,
    broadcast: { replay: { since: Date.now() + 60_000 } },
  })
  await later.becomes('SUBSCRIBED')
  await send('replay', '{"n": 32}')
  await later.hears(1)
  expect(later.heard).toMatchObject([{ payload: { n: 32 } }])
  expect(later.heard[0]?.meta?.replayed).toBeUndefined()
})

test('a row that was replayed is not delivered again when its stream comes later', async () => {
  const raw = await bundle.raw()
  await bundle.realtime.hooks.stopReplication()
  await send('once', '{"n": 1}')
  const config = { config: { private: true, broadcast: { replay: { since: 0 } } } }
  await raw.join('realtime:once', config)
  const replayed = await raw.next((frame) => frame[3] === 'broadcast')
  expect(replayed[4]).toMatchObject({
    event: 'e',
    payload: { n: 1 },
    type: 'broadcast',
    meta: { replayed: true },
  })
  await bundle.realtime.hooks.startReplication()
  // The same id again, as if the stream had been behind.
  await bundle.query(`insert into realtime.messages (id, topic, extension, event, payload, private)
    values ('${replayed[4].meta.id}', 'once', 'broadcast', 'again', '{}', true), (gen_random_uuid(), 'once', 'broadcast', 'next', '{}', true)`)
  const frame = (await raw.next(Buffer.isBuffer)) as Buffer
  expect(frame.toString('utf8')).toContain('next')
})

test('replay is refused on public channels and with parameters that mean nothing', async () => {
  const raw = await bundle.raw()
  const join = (config: object) => raw.join('realtime:wrong', { config })
  const reason = (text: string) => ({
    status: 'error',
    response: { reason: `UnableToReplayMessages: ${text}` },
  })
  expect(await join({ broadcast: { replay: { since: 0 } } })).toEqual(
    reason('Replay is not allowed for public channels'),
  )
  for (const replay of ['x', { since: 'yesterday' }, { since: 1, limit: 0 }, { since: 1e300 }, { since: -1 }])
    expect(await join({ private: true, broadcast: { replay } })).toEqual(
      reason('Replay params are not valid'),
    )
})
