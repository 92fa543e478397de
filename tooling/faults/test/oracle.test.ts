import { expect, it } from 'vitest'
import type { LedgerLine, LedgerWord } from '../harness/ledger.ts'
import { type Evidence, judge } from '../harness/oracle.ts'

let clock = 0
const line = (what: LedgerWord, id: string, at?: number, pid = 1): LedgerLine => {
  clock += 10
  return { what, id, pid, at: at ?? clock }
}
const sent = (id: string) => [line('tries', id), line('sent', id)]
const worked = (id: string, at?: number) => [line('start', id, at), line('done', id, at)]
const judged = (evidence: Partial<Evidence>) =>
  judge({ lines: [], stored: [], faults: [], leaseMs: 2000, ...evidence })

it('finds nothing where everything is as promised', () => {
  const lines = [
    ...sent('a'),
    ...worked('a'),
    ...sent('b'),
    ...sent('c'),
    ...worked('c'),
    line('tries', 'd'),
    line('unknown', 'd'),
    line('tries', 'e'),
    line('refused', 'e'),
  ]
  const stored = [
    { key: 'a', where: 'archive' as const },
    { key: 'b', where: 'queue' as const },
    { key: 'c', where: 'dead-letters' as const },
  ]
  expect(judged({ lines, stored })).toMatchObject({
    broken: [],
    sent: 3,
    unknown: 1,
    refused: 1,
    worked: 2,
    deadLettered: 1,
    stillQueued: 1,
    duplicates: 0,
  })
})

it.each<[string, Partial<Evidence>]>([
  ['is lost', { lines: sent('a') }],
  ['neither archived nor dead-lettered', { lines: [...sent('a'), ...worked('a')] }],
  ['nobody sent it', { lines: worked('a') }],
  [
    'told that it was not sent',
    { lines: [line('tries', 'a'), line('refused', 'a')], stored: [{ key: 'a', where: 'queue' }] },
  ],
  [
    'stored more than once',
    {
      lines: [...sent('a'), ...worked('a')],
      stored: [
        { key: 'a', where: 'archive' },
        { key: 'a', where: 'dead-letters' },
      ],
    },
  ],
  ['never worked', { lines: sent('a'), stored: [{ key: 'a', where: 'archive' }] }],
  [
    'no fault explains it',
    {
      lines: [...sent('a'), ...worked('a', 100_000), ...worked('a', 105_000)],
      stored: [{ key: 'a', where: 'archive' }],
      faults: [{ name: 'long before', from: 50_000, to: 90_000 }],
    },
  ],
])('says of a job that it %s', (words, evidence) => {
  expect(judged(evidence).broken).toEqual([expect.stringContaining(words)])
})

it('allows a second run after a fault', () => {
  const lines = [...sent('a'), ...worked('a', 100_000), ...worked('a', 105_000)]
  const stored = [{ key: 'a', where: 'archive' as const }]
  const faults = [{ name: 'a kill', from: 100_500, to: 100_500 }]
  expect(judged({ lines, stored, faults })).toMatchObject({ broken: [], duplicates: 1, inHandAtFaults: 1 })
})
