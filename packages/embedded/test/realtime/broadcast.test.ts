import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import WebSocket from 'ws'
import { type Bundle, listen, policies, setup } from './setup.ts'

let bundle: Bundle
beforeAll(async () => {
  bundle = await setup(inject('databaseUrl'))
  await bundle.query(policies('anon', true))
})
afterAll(async () => bundle[Symbol.asyncDispose]())

test('the backing is replication where wal_level is logical', () => {
  expect(bundle.realtime.backing).toBe('replication')
})

test.each([
  ['native', undefined],
  ['ws', WebSocket],
])('a public broadcast reaches the others, over the %s transport', async (name, transport) => {
  const options = transport === undefined ? {} : { transport: transport as never }
  const [sender, receiver] = [bundle.client(options), bundle.client(options)].map((client) =>
    listen(client, `public-${name}`, { broadcast: { ack: true } }),
  )
  await sender?.becomes('SUBSCRIBED')
  await receiver?.becomes('SUBSCRIBED')
  const sent = await sender?.channel.send({ type: 'broadcast', event: 'hello', payload: { n: 1 } })
  expect(sent).toBe('ok')
  await receiver?.hears(1)
  expect(receiver?.heard).toEqual([{ type: 'broadcast', event: 'hello', payload: { n: 1 } }])
  expect(sender?.heard).toEqual([])
})

test('realtime.send in the database reaches private channels with meta.id, and only those', async () => {
  const client = bundle.client()
  const secret = listen(client, 'jobs', { private: true })
  const open = listen(bundle.client(), 'jobs')
  await secret.becomes('SUBSCRIBED')
  await open.becomes('SUBSCRIBED')
  await bundle.query(`select realtime.send('{"big": 9007199254740993}', 'job_enqueued', 'jobs', true)`)
  await bundle.query(`select realtime.send('{"open": true}', 'job_enqueued', 'jobs', false)`)
  await secret.hears(1)
  await open.hears(1)
  expect(secret.heard).toHaveLength(1)
  expect(secret.heard[0]).toMatchObject({ event: 'job_enqueued', payload: { id: secret.heard[0]?.meta?.id } })
  expect(open.heard).toMatchObject([{ payload: { open: true } }])
})
