import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { acquireStartLock } from '../src/start-lock.ts'
import { postmasterOf, registrationsIn, setup } from './setup.ts'

test('an aborted signal starts nothing', async () => {
  await using bundle = await setup()
  const reason = new Error('changed my mind')
  await expect(bundle.start({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect(await readdir(bundle.folder)).toEqual([])
})

test.each(['users', 'pgdata', 'postgres.log', 'pgdata/postmaster.pid'])(
  'an abort as soon as %s is there undoes the start',
  async (file) => {
    await using bundle = await setup()
    const abort = new AbortController()
    const reason = new Error('changed my mind')
    const start = expect(bundle.start({ signal: abort.signal })).rejects.toBe(reason)
    await bundle.seen(file)
    abort.abort(reason)
    await start
    expect(await postmasterOf(bundle.dataDir)).toBeUndefined()
    expect(await registrationsIn(bundle.dataDir)).toBe(0)
    const next = await bundle.start()
    expect(next.joined).toBe(false)
  },
)

test('an abort while another process holds the lock ends the wait', async () => {
  await using bundle = await setup()
  await mkdir(bundle.dataDir)
  const held = await acquireStartLock(join(bundle.dataDir, 'lock'))
  const abort = new AbortController()
  const start = expect(bundle.start({ signal: abort.signal })).rejects.toThrow('changed my mind')
  abort.abort(new Error('changed my mind'))
  await start
  await held.release()
})

test('a temporary start that is aborted deletes what it made', async () => {
  await using bundle = await setup()
  const abort = new AbortController()
  const start = expect(bundle.start({ signal: abort.signal, temporary: true })).rejects.toThrow('no')
  await bundle.seen('pgdata')
  abort.abort(new Error('no'))
  await start
  expect(await readdir(bundle.folder)).toEqual([])
})
