import { watchForStop } from '@aimq/cli/start'
import { expect, onTestFinished, test, vi } from 'vitest'

function setup() {
  const failures: unknown[] = []
  const stop = watchForStop((error) => failures.push(error))
  onTestFinished(() => stop[Symbol.dispose]())
  const press = () => process.emit('SIGINT', 'SIGINT')
  return { stop, failures, press }
}

/** Longer than two signals of one key press are apart. */
const aMoment = () => new Promise((resolve) => setTimeout(resolve, 60))

test('one press of Ctrl-C that arrives twice is one', async () => {
  const { stop, press } = setup()
  press()
  press()
  expect(stop.requested.aborted).toBe(true)
  expect(stop.urged.aborted).toBe(false)
  expect(stop.exitCode).toBe(0)
})

test('a terminal that is closed asks to stop, like SIGTERM', () => {
  const { stop } = setup()
  process.emit('SIGHUP', 'SIGHUP')
  expect(stop.requested.aborted).toBe(true)
  expect(stop.cause).toEqual({ kind: 'signal', name: 'SIGHUP' })
  expect(stop.exitCode).toBe(0)
})

test('two presses are two', async () => {
  const { stop, press } = setup()
  press()
  await aMoment()
  press()
  expect(stop.urged.aborted).toBe(true)
  expect(stop.exitCode).toBe(130)
})

test('the third does not wait for anything', async () => {
  const { press } = setup()
  const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never)
  onTestFinished(() => exit.mockRestore())
  press()
  await aMoment()
  press()
  await aMoment()
  expect(exit).not.toHaveBeenCalled()
  press()
  expect(exit).toHaveBeenCalledWith(130)
})

test('a failure after a signal is a failure', () => {
  const { stop, press, failures } = setup()
  press()
  stop.fail(new Error('lost'))
  expect(stop.exitCode).toBe(1)
  expect(stop.cause).toEqual({ kind: 'signal', name: 'SIGINT' })
  expect(failures).toHaveLength(1)
})

test('leaves no listeners behind', () => {
  const before = process.listenerCount('SIGTERM')
  const stop = watchForStop(() => {})
  expect(process.listenerCount('SIGTERM')).toBe(before + 1)
  stop[Symbol.dispose]()
  expect(process.listenerCount('SIGTERM')).toBe(before)
})
