import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createBus, silentLogger } from '@aimq/events'
import { nextFact } from '@aimq/events/testing'
import { expect, it, onTestFinished } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { realtime } from '../src/index.ts'

type Frame = [joinRef: string | null, ref: string | null, topic: string, event: string, payload: unknown]

/** A Realtime server that answers a join as it is told to. Everything else is `packages/embedded`'s to play. */
async function startServer(onJoin: (socket: WebSocket, frame: Frame) => void): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  server.on('connection', (socket) => {
    socket.on('message', (bytes) => {
      const frame = JSON.parse(String(bytes)) as Frame
      if (frame[3] === 'phx_join') onJoin(socket, frame)
    })
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function newBus() {
  const bus = createBus({ logger: silentLogger })
  onTestFinished(() => bus.stop())
  return bus
}

it('notices a channel that is closed in the same breath as it was joined', async () => {
  let joins = 0
  const url = await startServer((socket, [joinRef, ref, topic]) => {
    joins++
    const { _socket: wire } = socket as unknown as { _socket: { cork(): void; uncork(): void } }
    // Both in one packet, so that nothing can happen between them.
    wire.cork()
    socket.send(JSON.stringify([joinRef, ref, topic, 'phx_reply', { status: 'ok', response: {} }]))
    socket.send(JSON.stringify([joinRef, joinRef, topic, 'phx_close', {}]))
    wire.uncork()
  })
  const bus = newBus()
  const degraded = nextFact(bus, 'realtime:health-changed')
  await bus.use(realtime({ supabase: { url, key: 'any' } }))
  expect((await degraded).cause).toMatch(/closed the channel/)
  // And it is opened again.
  await expect.poll(() => joins, { timeout: 10_000 }).toBeGreaterThan(1)
})

it('waits neither for ever nor beyond its stop for an access token that does not come', async () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown) => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  const url = await startServer(() => {})
  const bus = newBus()
  const asked = new Promise<void>((resolve) => {
    const accessToken = () => {
      resolve()
      return new Promise<never>(() => {})
    }
    void bus.use(realtime({ supabase: { url, key: 'any', accessToken } }))
  })
  await asked
  const before = performance.now()
  await bus.stop()
  expect(performance.now() - before).toBeLessThan(1000)
  expect(unhandled).toEqual([])
})

it('says of an access token that does not come that this is what is missing', async () => {
  const url = await startServer(() => {})
  const bus = newBus()
  const degraded = nextFact(bus, 'realtime:health-changed', () => true, 20_000)
  await bus.use(realtime({ supabase: { url, key: 'any', accessToken: () => new Promise<never>(() => {}) } }))
  expect((await degraded).cause).toMatch(/`accessToken` did not answer within 10000 ms/)
})
