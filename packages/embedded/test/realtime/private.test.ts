import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Bundle, listen, setup } from './setup.ts'

/** The narrow policy workers use: a claim decides. */
const workerPolicy = `
  create policy workers_receive on realtime.messages for select to authenticated using (
    extension = 'broadcast' and (select realtime.topic()) like 'aimq:%'
    and (select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'aimq_role') = 'worker'
  );`

let bundle: Bundle
beforeAll(async () => {
  bundle = await setup(inject('databaseUrl'))
  await bundle.query(workerPolicy)
  await bundle.query(`
    create policy by_header on realtime.messages for select to anon
      using (current_setting('request.headers', true)::jsonb ->> 'x-team' = 'red' and realtime.topic() = 'headers');
    create policy writers on realtime.messages for insert to authenticated
      with check (current_setting('request.jwt.claim.sub', true) = 'writer');
    create policy broken on realtime.messages for select to anon
      using (realtime.topic() = 'broken' and 1 / (length(topic) - 6) > 0);
  `)
})
afterAll(async () => bundle[Symbol.asyncDispose]())

const privately = { config: { private: true } }
const worker = (claims: object = {}, expiresInSeconds = 600) =>
  bundle.realtime.sign({ role: 'authenticated', aimq_role: 'worker', ...claims }, { expiresInSeconds })
const denied = (sub: string) => ({
  status: 'error',
  response: { reason: `Unauthorized: You do not have permissions to read from this Channel topic: ${sub}` },
})

test('row-level security decides who may join a private channel', async () => {
  const { anonKey, serviceRoleKey, sign } = bundle.realtime
  const raw = await bundle.raw()
  const join = (access_token: string, sub = 'aimq:jobs') =>
    raw.join(`realtime:${sub}`, { ...privately, access_token })
  const plain = await sign({ role: 'authenticated' }, { expiresInSeconds: 60 })
  const unknown = await sign({ role: 'nobody_has_this_role' }, { expiresInSeconds: 60 })
  expect(await join(await worker())).toMatchObject({ status: 'ok' })
  expect(await join(serviceRoleKey)).toMatchObject({ status: 'ok' })
  expect(await join(await worker(), 'other')).toEqual(denied('other'))
  for (const token of [anonKey, plain, unknown]) expect(await join(token)).toEqual(denied('aimq:jobs'))
  expect(await bundle.query('select count(*)::int as rows from realtime.messages')).toEqual([{ rows: 0 }])
})

test('a policy that fails denies', async () => {
  const raw = await bundle.raw()
  expect(await raw.join('realtime:broken', privately)).toEqual(denied('broken'))
})

test('policies see the headers of the upgrade that begin with x-', async () => {
  const [red, blue] = [await bundle.raw({ headers: { 'x-team': 'red' } }), await bundle.raw()]
  expect(await red.join('realtime:headers', privately)).toMatchObject({ status: 'ok' })
  expect(await blue.join('realtime:headers', privately)).toEqual(denied('headers'))
})

test('the genuine client is told when it is denied', async () => {
  const client = bundle.client({ reconnectAfterMs: () => 60_000 })
  const listener = listen(client, 'aimq:jobs', { private: true })
  await listener.becomes('CHANNEL_ERROR')
  expect(String(listener.errors[0])).toContain('You do not have permissions to read')
})

test('public and private channels of one name do not hear each other', async () => {
  const [open, secret, sender] = [bundle.client(), bundle.client(), bundle.client()]
  await secret.setAuth(await worker({ sub: 'writer' }))
  await sender.setAuth(await worker({ sub: 'writer' }))
  const listeners = [
    listen(open, 'aimq:apart'),
    listen(secret, 'aimq:apart', { private: true }),
    listen(sender, 'aimq:apart', { private: true, broadcast: { ack: true } }),
  ]
  for (const listener of listeners) await listener.becomes('SUBSCRIBED')
  expect(await listeners[2]?.channel.send({ type: 'broadcast', event: 'secret', payload: {} })).toBe('ok')
  await listeners[1]?.hears(1)
  await bundle.query(`select realtime.send('{}', 'open', 'aimq:apart', false)`)
  await listeners[0]?.hears(1)
  expect(listeners[0]?.heard.map(({ event }) => event)).toEqual(['open'])
  expect(listeners[1]?.heard.map(({ event }) => event)).toEqual(['secret'])
})

test('a write that is denied reaches nobody and is not answered; one that is allowed is asked once', async () => {
  const [reader, mute, writer] = [await bundle.raw(), await bundle.raw(), await bundle.raw()]
  const topic = 'realtime:aimq:write'
  const config = { config: { private: true, broadcast: { ack: true } } }
  await reader.join(topic, { ...config, access_token: await worker() })
  await mute.join(topic, { ...config, access_token: await worker() })
  await writer.join(topic, { ...config, access_token: await worker({ sub: 'writer' }) })
  mute.send(['1', '2', topic, 'broadcast', { type: 'broadcast', event: 'forged', payload: {} }])
  await mute.settle()
  expect(mute.frames).toEqual([])
  for (const ref of ['2', '3']) {
    writer.send(['1', ref, topic, 'broadcast', { type: 'broadcast', event: ref, payload: {} }])
    expect(await writer.next((frame) => frame[1] === ref)).toMatchObject(
      [{}, ref, topic, 'phx_reply', { status: 'ok' }].with(0, '1'),
    )
    // The answer is remembered: from now on the database would say no.
    await bundle.query('drop policy if exists writers on realtime.messages')
  }
  await reader.settle()
  expect(reader.frames.map((frame) => JSON.parse(String(frame))[4].event)).toEqual(['2', '3'])
})

test('a new token is judged again: a good one is silent, a bad one closes the channel', async () => {
  const topic = 'realtime:aimq:refresh'
  const raw = await bundle.raw()
  const joined = async () =>
    expect(await raw.join(topic, { ...privately, access_token: await worker() })).toMatchObject({
      status: 'ok',
    })
  const refresh = (access_token: unknown) => raw.send(['1', '9', topic, 'access_token', { access_token }])
  await joined()
  for (const token of [await worker({ fresh: 1 }), 'sb_publishable_x', null, 7]) refresh(token)
  await raw.settle()
  expect(raw.frames).toEqual([])
  const plain = await bundle.realtime.sign({ role: 'authenticated' }, { expiresInSeconds: 60 })
  const roleless = await bundle.realtime.sign({}, { expiresInSeconds: 60 })
  const expired = await worker({}, -5)
  const cases: [string, string | RegExp][] = [
    [plain, 'You do not have permissions to read from this Channel topic: aimq:refresh'],
    [roleless, 'Fields `role` and `exp` are required in JWT'],
    [expired, /^Token has expired \d+ seconds ago$/],
    ['nonsense', 'The token provided is not a valid JWT'],
  ]
  for (const [index, [token, message]] of cases.entries()) {
    if (index > 0) await joined()
    refresh(token)
    const system = { extension: 'system', status: 'error', channel: 'aimq:refresh' }
    const expected = typeof message === 'string' ? message : expect.stringMatching(message)
    expect(await raw.next()).toEqual(['1', null, topic, 'system', { ...system, message: expected }])
    expect(await raw.next()).toEqual(['1', '1', topic, 'phx_close', {}])
  }
})

test('read permission for presence that is lost closes the channel as well', async () => {
  await bundle.query(`create policy present on realtime.messages for select to authenticated using (
    extension = 'presence' and nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'present' = 'yes')`)
  const topic = 'realtime:aimq:presence'
  const raw = await bundle.raw()
  const config = { config: { private: true, presence: { enabled: true, key: 'me' } } }
  await raw.join(topic, { ...config, access_token: await worker({ present: 'yes' }) })
  await raw.next((frame) => frame[3] === 'presence_state')
  raw.send(['1', '9', topic, 'access_token', { access_token: await worker() }])
  expect(await raw.next()).toMatchObject([
    '1',
    null,
    topic,
    'system',
    { message: 'You no longer have permission to read from this Channel topic: aimq:presence' },
  ])
})

test('a token that expires closes the channel; the genuine client is told, and does not come back', async () => {
  const client = bundle.client()
  await client.setAuth(await worker({}, 1))
  const listener = listen(client, 'aimq:expiry', { private: true })
  await listener.becomes('SUBSCRIBED')
  await listener.becomes('CLOSED')
  expect(listener.systems).toMatchObject([
    {
      status: 'error',
      message: expect.stringMatching(/^Token has expired \d seconds ago$/),
      channel: 'aimq:expiry',
    },
  ])
  expect(listener.statuses).toEqual(['SUBSCRIBED', 'CLOSED'])
})

test('a token refreshed in time keeps the channel', async () => {
  const client = bundle.client()
  await client.setAuth(await worker({}, 2))
  const listener = listen(client, 'aimq:renewed', { private: true })
  await listener.becomes('SUBSCRIBED')
  const short = listen(bundle.client(), 'aimq:renewed')
  await short.becomes('SUBSCRIBED')
  await client.setAuth(await worker({}, 600))
  // Another channel with a token of the same length shows when the first would have expired.
  const raw = await bundle.raw()
  await raw.join('realtime:aimq:renewed', { ...privately, access_token: await worker({}, 2) })
  await raw.next((frame) => frame[3] === 'phx_close')
  await bundle.query(`select realtime.send('{}', 'still here', 'aimq:renewed')`)
  await listener.hears(1)
})
