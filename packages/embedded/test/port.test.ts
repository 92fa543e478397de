import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { postmasterOf, setup } from './setup.ts'

async function listen(): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

test('a port that somebody else uses is a clean error', async () => {
  await using bundle = await setup()
  await using stranger = await listen()
  await expect(bundle.start({ port: stranger.port })).rejects.toMatchObject({
    code: 'embedded/port-taken',
    message: expect.stringContaining(`expected port ${stranger.port} on 127.0.0.1 to be free`),
  })
  expect(await postmasterOf(bundle.dataDir)).toBeUndefined()
})

test('a free port is taken as asked', async () => {
  await using bundle = await setup()
  let port: number
  {
    await using stranger = await listen()
    port = stranger.port
  }
  const embedded = await bundle.start({ port })
  expect(embedded.port).toBe(port)
})

test('without a port, servers of different folders get different ones', async () => {
  await using one = await setup()
  await using other = await setup()
  const [first, second] = await Promise.all([one.start(), other.start()])
  expect(first.port).not.toBe(second.port)
})

test('a server that runs on another port than the one asked for is not joined, and keeps running', async () => {
  await using bundle = await setup()
  await using free = await listen()
  const first = await bundle.start()
  await expect(bundle.start({ port: free.port })).rejects.toMatchObject({
    code: 'embedded/port-differs',
    message: expect.stringContaining(`already runs on port ${first.port}`),
  })
  expect(await postmasterOf(first.dataDir)).toBeDefined()
})
