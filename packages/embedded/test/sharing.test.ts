import { expect, test } from 'vitest'
import { expectStopped, postmasterOf, query, registrationsIn, setup } from './setup.ts'

test('a second process joins the running server, and the last one to leave stops it', async () => {
  await using bundle = await setup()
  const first = await bundle.start()
  const second = await bundle.startElsewhere()
  expect(second).toMatchObject({ joined: true, port: first.port, dataDir: first.dataDir })
  await first.stop()
  expect(await query(second.connectionString, 'select 1 as one')).toEqual([{ one: 1 }])
  await second.stop()
  await expectStopped(first)
})

test('two starts in one process share one server', async () => {
  await using bundle = await setup()
  const [first, second] = await Promise.all([bundle.start(), bundle.start()])
  expect([first.joined, second.joined].toSorted()).toEqual([false, true])
  expect(first.port).toBe(second.port)
  await first.stop()
  expect(await query(second.connectionString, 'select 1 as one')).toEqual([{ one: 1 }])
  await second.stop()
  await expectStopped(second)
})

test('the server survives kill -9 of its starter; the next start joins and its stop stops it', async () => {
  await using bundle = await setup()
  const starter = await bundle.startElsewhere()
  const pid = await postmasterOf(starter.dataDir)
  await starter.kill()
  expect(await query(starter.connectionString, 'select 1 as one')).toEqual([{ one: 1 }])
  const next = await bundle.start()
  expect(next).toMatchObject({ joined: true, port: starter.port })
  expect(await postmasterOf(starter.dataDir)).toBe(pid)
  await next.stop()
  await expectStopped(next)
})

test('ten processes that start at once on a fresh folder share one server', async () => {
  await using bundle = await setup()
  const starters = await Promise.all(Array.from({ length: 10 }, () => bundle.startElsewhere()))
  expect(starters.map(({ message }) => message).filter(Boolean)).toEqual([])
  expect(new Set(starters.map(({ port }) => port)).size).toBe(1)
  expect(starters.filter(({ joined }) => !joined)).toHaveLength(1)
  expect(await registrationsIn(bundle.dataDir)).toBe(10)
  const [one, ...others] = starters
  await Promise.all(others.map((starter) => starter.stop()))
  expect(await query(one?.connectionString ?? '', 'select 1 as one')).toEqual([{ one: 1 }])
  await one?.stop()
  await expectStopped({ port: one?.port ?? 0, dataDir: bundle.dataDir })
})

// While initdb, the unpacking of pgmq, pg_ctl, and the server's own start are under way.
test.each(['users', 'pgdata', 'postgres.log', 'pgdata/postmaster.pid'])(
  'a starter killed as soon as %s is there leaves nothing the next one trips over',
  async (file) => {
    await using bundle = await setup()
    await bundle.killOnceSeen(file)
    const next = await bundle.start()
    await query(next.connectionString, `select pgmq.create('emails')`)
    await next.stop()
    await expectStopped(next)
  },
)
