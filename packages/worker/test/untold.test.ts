import { expect, test } from 'vitest'
import { setup } from './setup.ts'

/** A worker that believes its wake-up path; `sendAndWait` tells how long a job waited, in milliseconds. */
async function believer() {
  let done = 0
  const context = await setup({ handlers: { emails: () => void done++ } })
  const { bus, clock, queue, start } = context
  await start()
  bus.emit('realtime:health-changed', { health: 'healthy' })
  await clock.advance(5000)
  return {
    ...context,
    async sendAndWait(hint = false): Promise<number> {
      const before = done
      queue.send('emails', { payload: {} })
      if (hint) bus.emit('job:enqueued', { queue: 'emails', source: 'listen' })
      let waited = 0
      for (; done === before; waited += 50) await clock.advance(50)
      await clock.advance(3000)
      return waited
    },
  }
}

test('a queue that nobody broadcasts for is polled as without wake-ups, from its first late job on', async () => {
  const { sendAndWait, lines } = await believer()
  expect(await sendAndWait()).toBeGreaterThan(5000)
  for (let job = 0; job < 5; job++) expect(await sendAndWait()).toBeLessThanOrEqual(1200)
  const told = lines.filter(({ message }) => message.includes('no wake-up told of a job'))
  expect(told).toHaveLength(1)
})

test('hints are believed again when they have told of ten finds in a row', async () => {
  const { clock, bus, sendAndWait } = await believer()
  await sendAndWait()
  const reads = async () => (await bus.request('worker:status', {})).queues[0]?.reads ?? 0
  const readsInAMinute = async () => {
    const before = await reads()
    await clock.advance(60_000)
    return (await reads()) - before
  }
  expect(await readsInAMinute()).toBeGreaterThan(40)
  for (let job = 0; job < 10; job++) expect(await sendAndWait(true)).toBeLessThanOrEqual(100)
  expect(await readsInAMinute()).toBeLessThan(4)
})
