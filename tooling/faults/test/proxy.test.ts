/* The proxy itself: what it breaks it must also mend, or a campaign finds faults of its own. */

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { startTcpProxy, type TcpProxy } from '../harness/tcp-proxy.ts'

/** A proxy to a server that does this with each of its connections. */
async function proxyTo(accept: (socket: Socket) => void): Promise<TcpProxy> {
  const server = createServer((socket) => accept(socket.on('error', () => {}))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const proxy = await startTcpProxy(`postgres://127.0.0.1:${port}/none`)
  onTestFinished(async () => {
    await proxy[Symbol.asyncDispose]()
    server.close()
  })
  return proxy
}

async function connectTo(proxy: TcpProxy): Promise<Socket> {
  const client = connect(Number(new URL(proxy.url).port), '127.0.0.1')
  await once(client, 'connect')
  return client.on('error', () => {})
}

it('ends, when it is healed, the sessions of clients that left while the network was dead', async () => {
  const sessions = new Set<Socket>()
  const proxy = await proxyTo((socket) => {
    sessions.add(socket.resume())
    socket.on('close', () => sessions.delete(socket))
  })
  const client = await connectTo(proxy)
  client.write('hello')
  await expect.poll(() => sessions.size).toBe(1)
  proxy.blackHole()
  client.destroy()
  await expect.poll(() => proxy.connections).toBe(0)
  expect(sessions.size).toBe(1)
  proxy.heal()
  await expect.poll(() => sessions.size).toBe(0)
})

it('tells whether a request came whose answer it was to drop, and counts the answers that it cut', async () => {
  const proxy = await proxyTo((socket) => socket.pipe(socket))
  const never = proxy.dropReply('never said')
  proxy.heal()
  expect(await never).toBe(false)

  const asking = await connectTo(proxy)
  const dropped = proxy.dropReply('hello')
  asking.write('hello')
  expect(await dropped).toBe(true)
  await expect.poll(() => asking.closed).toBe(true)
  expect(proxy.cuts).toBe(0)

  // Prepared once, a statement is known by its name alone.
  const preparing = await connectTo(proxy)
  const name = `aimq_${'0a'.repeat(12)}`
  preparing.write(`P....${name}\0select what it says\0\0\0`)
  await once(preparing, 'data')
  const later = proxy.dropReply('what it says')
  preparing.write(`B....\0${name}\0\0\0`)
  expect(await later).toBe(true)

  const other = await connectTo(proxy)
  proxy.cutAfter(3)
  other.write('hello')
  await expect.poll(() => other.closed).toBe(true)
  expect(proxy.cuts).toBe(1)
})
