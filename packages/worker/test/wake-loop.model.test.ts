import fc from 'fast-check'
import { expect, it } from 'vitest'
import { lookBy } from '../src/wake-loop.ts'
import { errorBoundMs, Model, pollIntervalMs, step } from './wake-model.ts'

/*
 * The loop against a model of the database, under every interleaving fast-check can think of: messages are committed
 * with and without a delay, hints arrive at once, late, twice or never, looks take time and see the database as it was
 * at any moment in between, a peer holds a row and lets it go, statements fail.
 *
 * What must hold: a message that is visible, and whose hint arrived, is read within seconds although the poll interval
 * is half a minute; one whose hint was lost is read within the poll interval.
 */

it('reads every visible message in time, whatever the order of events', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      (steps, randoms) => {
        const model = new Model(() => randoms.next().value ?? 0)
        for (const one of steps) model.apply(one)
        model.pass(pollIntervalMs * 1.1 + errorBoundMs + 10_000)
        expect(model.readLate).toEqual([])
        expect(model.messages).toEqual([])
      },
    ),
    { numRuns: 3000 },
  )
})

it('reads a message that was sent and hinted while it looked with the very next look', () => {
  const lookMs = 20
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: lookMs, noNaN: true }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      (offset, randoms) => {
        const model = new Model(() => randoms.next().value ?? 0, lookMs)
        model.pass(1000)
        model.state = lookBy(model.state, model.now)
        model.pass(offset)
        model.apply({ kind: 'send', delayMs: 0, hint: 'at-once', lateMs: 0 })
        // The rest of the look under way, the spreading of the next one (at most 4 ms here), and that one.
        model.pass(lookMs + 4 + lookMs)
        expect(model.messages).toEqual([])
      },
    ),
    { numRuns: 1000 },
  )
})
