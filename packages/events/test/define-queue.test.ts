import { type } from 'arktype'
import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  assertQueueName,
  defineQueue,
  type QueueDefinition,
  queueNameOf,
  validatePayload,
} from '../src/index.ts'

describe('defineQueue', () => {
  const zodQueue = defineQueue('emails', {
    schema: z.object({ to: z.string(), retries: z.number().default(3) }),
  })

  it('types payloads by inference: input for producers, output for handlers', () => {
    expectTypeOf(zodQueue).toEqualTypeOf<
      QueueDefinition<{ to: string; retries?: number | undefined }, { to: string; retries: number }>
    >()
    expectTypeOf(defineQueue<{ n: number }>('numbers')).toEqualTypeOf<QueueDefinition<{ n: number }>>()
  })

  it.each([
    ['zod', defineQueue('q', { schema: z.object({ n: z.number() }) })],
    ['valibot', defineQueue('q', { schema: v.object({ n: v.number() }) })],
    ['arktype', defineQueue('q', { schema: type({ n: 'number' }) })],
  ])('validates with %s, naming what is wrong and where', async (_library, queue) => {
    expect(await validatePayload(queue, { n: 1 })).toEqual({ n: 1 })
    await expect(validatePayload(queue, { n: 'one' })).rejects.toMatchObject({
      code: 'events/payload-refused',
      message: expect.stringMatching(/queue "q" refuses this payload: n: /),
    })
  })

  it('gives the handler what the schema makes of the payload', async () => {
    expect(await validatePayload(zodQueue, { to: 'a' })).toEqual({ to: 'a', retries: 3 })
  })

  it('names the dead-letter queue, or takes the name given', () => {
    expect(defineQueue('emails').deadLetterQueue).toBe('emails_dlq')
    expect(defineQueue('emails', { deadLetterQueue: 'graveyard' }).deadLetterQueue).toBe('graveyard')
    expect(() => defineQueue('a'.repeat(44))).toThrow(/name its deadLetterQueue yourself/)
    expect(defineQueue('a'.repeat(44), { deadLetterQueue: 'dead' }).name).toHaveLength(44)
  })
})

describe('queue names', () => {
  it.each(['a', 'emails', 'a1_b', 'a'.repeat(47)])('takes %j', (name) => {
    expect(queueNameOf(name)).toBe(name)
  })

  it.each([
    '',
    'MyQ',
    '1a',
    '_a',
    'a-b',
    'a;b',
    'a"b',
    "a'b",
    'a b',
    '../a',
    'a\0',
    'a\n',
    'a'.repeat(48),
    'é'.repeat(47),
    null,
    7,
    {},
  ])('refuses %j, saying what is expected', (name) => {
    expect(() => assertQueueName(name)).toThrow(
      expect.objectContaining({
        code: 'events/invalid-queue-name',
        message: expect.stringContaining('1 to 47 characters'),
      }),
    )
  })

  it('suggests a name that would do', () => {
    expect(() => assertQueueName('My Queue')).toThrow(/try "my_queue"/)
  })

  const usable = fc.stringMatching(/^[a-z][a-z0-9_]{0,46}$/)

  it('takes every name that is one', () => {
    fc.assert(fc.property(usable, (name) => queueNameOf(name) === name))
  })

  it('never takes a name that SQL would have to quote', () => {
    const seen = { taken: 0, refused: 0 }
    const spoilt = fc
      .tuple(usable, fc.string({ unit: 'grapheme', minLength: 1, maxLength: 2 }), fc.nat(47))
      .map(([name, more, at]) => name.slice(0, at) + more + name.slice(at))
    fc.assert(
      fc.property(fc.oneof(usable, spoilt, fc.string()), (name) => {
        try {
          assertQueueName(name)
        } catch {
          seen.refused++
          return true
        }
        seen.taken++
        return /^[a-z0-9_]{1,47}$/.test(name)
      }),
    )
    // Or it would say nothing.
    expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(10)
  })
})
