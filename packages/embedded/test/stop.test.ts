import { expect, test } from 'vitest'
import { findProcess } from '../src/process-identity.ts'
import { expectStopped, postmasterOf, setup } from './setup.ts'

test('stop leaves no postgres process and no registration', async () => {
  await using bundle = await setup()
  const embedded = await bundle.start()
  const pid = Number(await postmasterOf(embedded.dataDir))
  await embedded.stop()
  // A zombie that the init of a container has not collected yet is no process any more.
  expect(await findProcess(pid)).toBeUndefined()
  await expectStopped(embedded)
})

test('stop may be called twice, at once, and by dispose', async () => {
  await using bundle = await setup()
  const embedded = await bundle.start()
  await Promise.all([embedded.stop(), embedded.stop(), embedded[Symbol.asyncDispose]()])
  await embedded.stop()
  await expectStopped(embedded)
})

test('await using stops the server', async () => {
  await using bundle = await setup()
  let port: number
  {
    await using embedded = await bundle.start()
    port = embedded.port
  }
  await expectStopped({ port, dataDir: bundle.dataDir })
})

test('starting, importing and stopping installs no handler on the process', async () => {
  const names = ['exit', 'beforeExit', 'SIGINT', 'SIGTERM', 'SIGHUP', 'uncaughtException'] as const
  const count = () => names.map((name) => process.listenerCount(name))
  const before = count()
  await using bundle = await setup()
  const embedded = await bundle.start()
  expect(count()).toEqual(before)
  await embedded.stop()
  expect(count()).toEqual(before)
})
