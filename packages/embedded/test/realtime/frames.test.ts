import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Bundle, listen, policies, type RawSocket, setup } from './setup.ts'

let bundle: Bundle
beforeAll(async () => {
  bundle = await setup(inject('databaseUrl'))
  await bundle.query(policies('anon', true))
})
afterAll(async () => bundle[Symbol.asyncDispose]())

function push(topic: string, event: string, payload: Buffer, encoding: 0 | 1, meta = ''): Buffer {
  const fields = ['1', '5', topic, event, meta].map((field) => Buffer.from(field))
  return Buffer.concat([
    Buffer.from([3, ...fields.map((field) => field.length), encoding]),
    ...fields,
    payload,
  ])
}

interface Kind4 {
  readonly topic: string
  readonly event: string
  readonly meta: string
  readonly encoding: number
  readonly payload: Buffer
}

function parse(frame: Buffer): Kind4 {
  expect(frame[0]).toBe(4)
  const lengths = [...frame.subarray(1, 4)]
  let offset = 5
  const [topic = '', event = '', meta = ''] = lengths.map((length) => {
    offset += length
    return frame.toString('utf8', offset - length, offset)
  })
  return { topic, event, meta, encoding: frame[4] ?? -1, payload: frame.subarray(offset) }
}

const isBinary = (frame: unknown) => Buffer.isBuffer(frame)

/** V1 frames are objects; they are joined and waited for in their own way. */
async function joinV1(raw: RawSocket, topic: string, payload: object = {}): Promise<void> {
  raw.send({ topic, event: 'phx_join', payload, ref: '1', join_ref: '1' })
  const reply = await raw.next((frame) => frame.event === 'phx_reply')
  expect(reply).toEqual({
    topic,
    event: 'phx_reply',
    ref: '1',
    payload: { status: 'ok', response: { postgres_changes: [] } },
  })
}

test('a binary broadcast reaches V2 as kind 4 and V1 as JSON, byte by byte', async () => {
  const topic = 'realtime:bytes'
  const [sender, second, first] = [await bundle.raw(), await bundle.raw(), await bundle.raw({ vsn: '1.0.0' })]
  await sender.join(topic)
  await second.join(topic)
  await joinV1(first, topic)
  const payload = Buffer.from('{ "big": 9007199254740993,  "one": 1.0 }')
  sender.send(push(topic, 'größe', payload, 1))
  expect(parse(await second.next(isBinary))).toEqual({
    topic,
    event: 'größe',
    meta: '',
    encoding: 1,
    payload,
  })
  await first.settleV1()
  expect(first.texts).toEqual([
    `{"topic":"${topic}","event":"broadcast","payload":{"event":"größe","payload":${payload},"type":"broadcast"},"ref":null}`,
  ])
})

test('binary payloads reach V2 and skip V1', async () => {
  const topic = 'realtime:binary'
  const [sender, second, first] = [await bundle.raw(), await bundle.raw(), await bundle.raw({ vsn: '1.0.0' })]
  await sender.join(topic)
  await second.join(topic)
  await joinV1(first, topic)
  const payload = Buffer.from([0, 1, 255, 254])
  sender.send(push(topic, 'raw', payload, 0))
  expect(parse(await second.next(isBinary))).toMatchObject({ encoding: 0, payload })
  await first.settleV1()
  expect(first.texts).toEqual([])
})

test('text broadcasts reach V2 and V1 as text, with numbers as they came', async () => {
  const topic = 'realtime:text'
  const [second, sender] = [await bundle.raw(), await bundle.raw({ vsn: '1.0.0' })]
  await second.join(topic)
  await joinV1(sender, topic, { config: { broadcast: { self: true } } })
  const payload = '{"type":"broadcast","event":"e","payload":{"n":9007199254740993,"f":1.0}}'
  sender.send(`{"topic":"${topic}","event":"broadcast","payload":${payload},"ref":"2","join_ref":"1"}`)
  await second.settle()
  await sender.settleV1()
  expect(second.texts).toEqual([`[null,null,"${topic}","broadcast",${payload}]`])
  expect(sender.texts).toEqual([`{"topic":"${topic}","event":"broadcast","payload":${payload},"ref":null}`])
})

test('fields of up to 255 bytes pass; longer ones are dropped for V2', async () => {
  const long = 'ü'.repeat(123)
  const sub = 'x'.repeat(246)
  const raw = await bundle.raw()
  await raw.join(`realtime:${sub}`, { config: { private: true } })
  // 246 bytes of event pass, 256 do not.
  await bundle.query(`select realtime.send('{}', '${'e'.repeat(256)}', '${sub}', true)`)
  await bundle.query(`select realtime.send('{}', '${'é'.repeat(128)}', '${sub}', true)`)
  await bundle.query(`select realtime.send('{}', '${long}', '${sub}', true)`)
  expect(parse(await raw.next(isBinary))).toMatchObject({ event: long, topic: `realtime:${sub}` })
})

test('no frame of kind 0, 1 or 2 is ever sent, and the genuine client decodes all that is', async () => {
  const client = bundle.client()
  const listener = listen(client, 'all-kinds', { private: true, presence: { enabled: true, key: 'me' } })
  await listener.becomes('SUBSCRIBED')
  await bundle.query(`select realtime.send('{"n":1}', 'json', 'all-kinds')`)
  await bundle.query(`select realtime.send_binary('\\x00ff'::bytea, 'bytes', 'all-kinds')`)
  await listener.hears(2)
  expect(listener.heard[0]).toMatchObject({ event: 'json', payload: { n: 1 } })
  expect(listener.heard[1]?.event).toBe('bytes')
  expect(new Uint8Array(listener.heard[1]?.payload)).toEqual(new Uint8Array([0, 255]))
})
