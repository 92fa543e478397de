import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { type EmbeddedOptions, type RealtimeOptions, startEmbedded, startRealtime } from '@aimq/embedded'
import { expect, test } from 'vitest'
import { setup } from './setup.ts'

test('all faults are reported together, with the near spelling of an unknown key', async () => {
  await using bundle = await setup()
  const wrong = {
    datadir: bundle.dataDir,
    port: 70_000,
    temporary: 'yes',
    settings: { port: '1', 'no good': 'x' },
  }
  const error = await startEmbedded(wrong as object).catch((thrown) => thrown)
  expect(error.code).toBe('embedded/invalid-options')
  expect(error.message.split('\n')).toEqual([
    'startEmbedded: 5 options are not usable',
    '  - port: expected a whole number from 1 to 65535, or nothing for a free port, got 70000',
    '  - settings: "port" cannot be set: use the option port',
    '  - settings: expected names of server settings, got "no good"',
    '  - temporary: expected boolean, got "yes"',
    '  - datadir: unknown option; did you mean "dataDir"?',
  ])
  expect(await readdir(bundle.folder)).toEqual([])
})

test.each(['', 'a"b', 'a\nb'])('the folder %j is refused', async (dataDir) => {
  await expect(startEmbedded({ dataDir })).rejects.toMatchObject({
    code: 'embedded/invalid-options',
    message: expect.stringContaining('dataDir: expected'),
  })
})

test.skipIf(process.platform !== 'linux').each(['/proc', '/proc/x', '/proc/x/y', '/dev/null', '/dev/null/x'])(
  'the folder %s, where none can be made, is refused and does not hang',
  async (dataDir) => {
    await expect(startEmbedded({ dataDir })).rejects.toMatchObject({
      code: 'embedded/data-dir-not-writable',
      message: expect.stringContaining(`expected ${dataDir} to be a folder`),
    })
  },
)

/** Values that each option refuses. An option without any does not compile. */
const wrong: Readonly<Record<keyof EmbeddedOptions, readonly unknown[]>> = {
  dataDir: [null, 7, {}, '', 'a"b', 'a\nb'],
  port: [null, '54329', 0, -1, 0.5, 65_536, Number.NaN],
  settings: [null, 'fsync=off', { fsync: 1 }, { port: '1' }, { 'no good': 'x' }],
  binaries: [null, 7, ''],
  temporary: [null, 'yes', 1],
  realtime: [null, false, 'on', { port: '1' }, { prot: 1 }, { limits: { sockets: -1 } }],
  signal: [null, true, {}],
}
const wrongRealtime: Readonly<Record<keyof RealtimeOptions, readonly unknown[]>> = {
  connectionString: [undefined, null, 7, ''],
  port: wrong.port,
  host: [null, 7, ''],
  jwtSecret: [null, 7, 'short'],
  joinErrorDelayMs: [null, '5', -1, Number.NaN, Number.POSITIVE_INFINITY],
  idleTimeoutMs: [null, '5', -1, Number.NaN, Number.POSITIVE_INFINITY],
  tokenCheckMs: [null, '5', -1, Number.NaN, Number.POSITIVE_INFINITY],
  replicationReadyTimeoutMs: [null, '5', -1, Number.NaN, Number.POSITIVE_INFINITY],
  privateOnly: [null, 'yes', 1],
  limits: [null, 5, { sockets: -1 }, { sokets: 1 }, { presenceCalls: true }],
  logger: [null, {}, 'console'],
  signal: [null, true, {}],
}

/** Every field with every value that it refuses. */
const each = (values: Readonly<Record<string, readonly unknown[]>>) =>
  Object.entries(values).flatMap(([field, list]) => list.map((value) => [field, value] as const))

const refusal = (field: string) => ({
  code: 'embedded/invalid-options',
  message: expect.stringMatching(new RegExp(`one option is not usable\\n  - ${field}[.:]`)),
})

test('startEmbedded: whatever an option refuses is told by its name, and nothing is started', async () => {
  await using bundle = await setup()
  for (const [field, value] of each(wrong)) {
    const options = { dataDir: bundle.dataDir, temporary: true, [field]: value }
    await expect(startEmbedded(options as object), `${field}: ${String(value)}`).rejects.toMatchObject(
      refusal(field),
    )
  }
  expect(await readdir(bundle.folder)).toEqual([])
})

test('startRealtime: whatever an option refuses is told by its name, and no database is asked', async () => {
  let connections = 0
  const database = createServer((socket) => {
    connections++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(database, 'listening')
  const { port } = database.address() as AddressInfo
  const connectionString = `postgres://postgres:postgres@127.0.0.1:${port}/postgres`
  for (const [field, value] of each(wrongRealtime)) {
    const options = { connectionString, [field]: value }
    await expect(
      startRealtime(options as RealtimeOptions),
      `${field}: ${String(value)}`,
    ).rejects.toMatchObject(refusal(field))
  }
  expect(connections).toBe(0)
  // A database that would be asked is one that counts it.
  await expect(startRealtime({ connectionString })).rejects.toMatchObject({
    code: 'embedded/realtime-start-failed',
  })
  expect(connections).toBeGreaterThan(0)
  database.close()
})
