/* The proxy itself: what it breaks it must also mend, or a campaign finds faults of its own. */

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { startTcpProxy } from '../harness/tcp-proxy.ts'

it('ends, when it is healed, the sessions of clients that left while the network was dead', async () => {
  const sessions = new Set<Socket>()
  const server = createServer((socket) => {
    sessions.add(socket.resume())
    socket.on('error', () => {}).on('close', () => sessions.delete(socket))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const proxy = await startTcpProxy(`postgres://127.0.0.1:${port}/none`)
  onTestFinished(async () => {
    await proxy[Symbol.asyncDispose]()
    server.close()
  })
  const client = connect(Number(new URL(proxy.url).port), '127.0.0.1')
  await once(client, 'connect')
  client.write('hello')
  await expect.poll(() => sessions.size).toBe(1)
  proxy.blackHole()
  client.destroy()
  await expect.poll(() => proxy.connections).toBe(0)
  expect(sessions.size).toBe(1)
  proxy.heal()
  await expect.poll(() => sessions.size).toBe(0)
})
