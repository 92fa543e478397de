import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { identifyThisProcess } from '../src/process-identity.ts'
import { acquireStartLock } from '../src/start-lock.ts'
import { setup } from './setup.ts'

async function leaveTicket(lock: string, number: number, holder: string): Promise<void> {
  await mkdir(join(lock, String(number)), { recursive: true })
  await writeFile(join(lock, String(number), 'holder.json'), holder)
}

test('of many processes one is inside at a time', async () => {
  await using bundle = await setup()
  const users = Array.from({ length: 8 }, () =>
    fork(new URL('./fixtures/lock-user.ts', import.meta.url), [bundle.folder, '25'], {
      execArgv: ['--conditions=@aimq/source'],
    }),
  )
  const codes = await Promise.all(users.map(async (user) => (await once(user, 'exit'))[0]))
  expect(codes).toEqual(users.map(() => 0))
  expect(await readdir(bundle.folder)).toEqual(['lock'])
  expect((await readdir(join(bundle.folder, 'lock'))).length).toBeLessThan(12)
})

test('a holder that is dead does not hold it', async () => {
  await using bundle = await setup()
  const lock = join(bundle.folder, 'lock')
  const child = fork(new URL('./fixtures/lock-user.ts', import.meta.url), [bundle.folder, '0'], {
    execArgv: ['--conditions=@aimq/source'],
  })
  await once(child, 'exit')
  await leaveTicket(lock, 1, JSON.stringify({ pid: child.pid, startedAt: '1' }))
  await (await acquireStartLock(lock)).release()
  expect(await readdir(lock)).toContain('2')
})

test('a holder whose pid now belongs to another process does not hold it', async () => {
  await using bundle = await setup()
  const lock = join(bundle.folder, 'lock')
  await leaveTicket(lock, 1, JSON.stringify({ pid: process.pid, startedAt: 'long ago' }))
  await (await acquireStartLock(lock)).release()
})

test('a ticket torn by a power cut does not hold it', async () => {
  await using bundle = await setup()
  const lock = join(bundle.folder, 'lock')
  await leaveTicket(lock, 1, '')
  await (await acquireStartLock(lock)).release()
})

test('a living holder holds it', async () => {
  await using bundle = await setup()
  const lock = join(bundle.folder, 'lock')
  await leaveTicket(lock, 1, JSON.stringify(await identifyThisProcess()))
  await expect(acquireStartLock(lock, AbortSignal.timeout(200))).rejects.toMatchObject({
    name: 'TimeoutError',
  })
})

test('removing it leaves no trace, and a waiter takes a new one', async () => {
  await using bundle = await setup()
  const lock = join(bundle.folder, 'lock')
  const first = await acquireStartLock(lock)
  const waiter = acquireStartLock(lock)
  await first.remove()
  const second = await waiter
  await second.remove()
  expect(await readdir(bundle.folder)).toEqual([])
})
