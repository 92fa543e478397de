import { createBus, silentLogger } from '@aimq/events'
import { fakeClock, memoryQueue } from '@aimq/events/testing'
import { expect, it, onTestFinished } from 'vitest'
import { Hand } from '../src/hand.ts'
import { Ledger } from '../src/ledger.ts'
import { type ResolvedQueue, resolveOptions } from '../src/options.ts'
import { Slots } from '../src/slots.ts'
import { gate } from './setup.ts'

it('is idle when nothing runs and nothing waits for a slot', async () => {
  const clock = fakeClock()
  const bus = createBus({ clock, logger: silentLogger })
  onTestFinished(() => bus.stop())
  const memory = await bus.use(memoryQueue(['emails']))
  memory.send('emails', { payload: 'one' })
  const held = gate()
  const slots = new Slots(1)
  const [queue] = resolveOptions({ handlers: { emails: () => held.promise } }).queues as [ResolvedQueue]
  const hand = new Hand({
    clock,
    logger: silentLogger,
    slots,
    queue,
    ledger: new Ledger(bus, queue),
    abortGraceMs: 5000,
    extend: async () => [],
    onEnded: ({ job }) => hand.letGo(job),
    onChange: () => hand.start(),
  })
  // Another queue has the only slot.
  slots.take(() => {})
  hand.take(
    await bus.request('queue:read', { queue: 'emails', count: 1, leaseMs: 30_000 }),
    clock.monotonic(),
  )
  expect(hand.idleSince).toBeUndefined()
  slots.give()
  expect(hand.running).toBe(1)
  expect(hand.idleSince).toBeUndefined()
  await clock.advance(50)
  held.resolve()
  await clock.advance(0)
  expect(hand.idleSince).toBe(clock.monotonic())
  expect(hand.workedMs).toBe(50)
})
