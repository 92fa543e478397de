import { queue } from '@aimq/queue'
import { realtime } from '@aimq/realtime'
import { triggers } from '@aimq/triggers'
import { worker } from '@aimq/worker'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const steps = { queue, worker, realtime, triggers } as const
const names = [
  ...[
    'connectionString',
    'pool',
    'client',
    'handlers',
    'defaults',
    'concurrency',
    'pollIntervalMs',
    'listen',
  ],
  ...[
    'supabase',
    'url',
    'key',
    'queues',
    'paths',
    'tableJobs',
    'leaseMs',
    'channel',
    '__proto__',
    'constructor',
  ],
]
/** Options as somebody may get them wrong: known names, whatever values, and values of their own kind. */
const options = fc.oneof(
  fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), fc.anything({ maxDepth: 3 }), {
    maxKeys: 6,
  }),
  fc.anything(),
)

test.each(Object.entries(steps))(
  '%s() takes what it understands and names the faults of everything else; it never fails otherwise',
  (name, make) => {
    fc.assert(
      fc.property(options, (given) => {
        try {
          expect(make(given as never)).toMatchObject({ name, create: expect.any(Function) })
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: `${name}/invalid-options` })
        }
      }),
      { numRuns: 500 },
    )
  },
)
