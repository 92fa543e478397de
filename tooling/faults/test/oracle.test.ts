import { describe, expect, it } from 'vitest'
import type { LedgerLine, LedgerWord } from '../harness/ledger.ts'
import { type Evidence, judge, type StoredJob } from '../harness/oracle.ts'

let clock = 0
const line = (what: LedgerWord, id: string, at?: number, pid = 1): LedgerLine => {
  clock += 10
  return { what, id, pid, at: at ?? clock }
}
const sent = (id: string) => [line('tries', id), line('sent', id)]
const worked = (id: string, at?: number, pid?: number) => [
  line('start', id, at, pid),
  line('done', id, at, pid),
]
const stored = (where: StoredJob['where'], key = 'a', toldToDie = where === 'dead-letters'): StoredJob => ({
  key,
  where,
  toldToDie,
})
const archived = [stored('archive')]
const judged = (evidence: Partial<Evidence>) => judge({ lines: [], stored: [], faults: [], ...evidence })

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
  const all = [stored('archive'), stored('queue', 'b'), stored('dead-letters', 'c')]
  expect(judged({ lines, stored: all })).toMatchObject({
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

it('leaves it open what became of a send whose sender was killed, or does not know', () => {
  const lines = [line('tries', 'a'), line('tries', 'b'), line('unknown', 'b'), line('tries', 'c')]
  expect(judged({ lines: [...lines, line('start', 'c')], stored: [stored('queue', 'c')] })).toMatchObject({
    broken: [],
    interrupted: 1,
  })
})

/** Worked at 100 s by one process, and again at 105 s by another. */
const twice = (id = 'a') => [...sent(id), ...worked(id, 100_000, 1), ...worked(id, 105_000, 2)]

it.each<[string, Partial<Evidence>]>([
  ['is lost', { lines: sent('a') }],
  ['neither archived nor dead-lettered', { lines: [...sent('a'), ...worked('a')] }],
  [
    'neither archived nor dead-lettered',
    { lines: [line('tries', 'a'), line('unknown', 'a'), ...worked('a')] },
  ],
  [
    'neither archived nor dead-lettered',
    { lines: [line('tries', 'a'), line('refused', 'a'), ...worked('a')] },
  ],
  ['was begun, and is lost', { lines: [line('tries', 'a'), line('start', 'a')] }],
  ['was begun, and is lost', { lines: [line('tries', 'a'), line('start', 'a'), line('fails', 'a')] }],
  ['nobody sent it', { lines: worked('a'), stored: archived }],
  ['nobody sent it', { stored: [stored('queue')] }],
  [
    'was interrupted, although nothing was broken',
    { lines: [...sent('a'), line('start', 'a'), ...worked('a', undefined, 2)], stored: archived, calm: true },
  ],
  [
    'told that it was not sent',
    { lines: [line('tries', 'a'), line('refused', 'a')], stored: [stored('queue')] },
  ],
  [
    'stored more than once',
    { lines: [...sent('a'), ...worked('a')], stored: [stored('queue'), stored('archive')] },
  ],
  ['never worked', { lines: sent('a'), stored: archived }],
  ['never worked', { lines: sent('a'), stored: [stored('dead-letters')] }],
  [
    'was not told to die',
    { lines: [...sent('a'), ...worked('a')], stored: [stored('dead-letters', 'a', false)] },
  ],
  [
    'told to die, and is archived',
    { lines: [...sent('a'), ...worked('a')], stored: [stored('archive', 'a', true)] },
  ],
])('says of a job that it %s', (words, evidence) => {
  expect(judged(evidence).broken).toEqual([expect.stringContaining(words)])
})

describe('a job that is worked again', () => {
  it.each([
    ['a kill of its worker', { from: 100_000, to: 103_000, pid: 1 }],
    ['a crash before it was settled', { from: 101_000, to: 101_000 }],
    ['a dead network that it began in', { from: 90_000, to: 100_000 }],
  ])('is explained by %s', (name, window) => {
    const faults = [{ name, ...window }]
    expect(judged({ lines: twice(), stored: archived, faults })).toMatchObject({
      broken: [],
      duplicates: 1,
      explanations: [{ fault: { name }, repeats: 1, inHand: 1 }],
    })
  })

  it.each([
    ['that was over before it began', { from: 50_000, to: 99_000 }],
    ['that came when it was settled', { from: 103_000, to: 104_000 }],
    ['of another process', { from: 100_000, to: 103_000, pid: 2 }],
  ])('is not explained by a fault %s', (name, window) => {
    const faults = [{ name, ...window }]
    expect(judged({ lines: twice(), stored: archived, faults }).broken).toEqual([
      expect.stringMatching(/^a was worked again, and no fault explains it: by 1 from .* then by 2 from/),
    ])
  })

  it('is one of those in hand at one moment of the fault, or one too many', () => {
    // Each began when the one before was settled: never was more than one in hand.
    const one = [...worked('a', 100_000, 1), ...worked('a', 100_400, 2)]
    const other = [...worked('b', 100_500, 1), ...worked('b', 100_900, 2)]
    const lines = [...sent('a'), ...sent('b'), ...one, ...other]
    const faults = [{ name: 'a lock', from: 99_000, to: 103_000 }]
    const both = [stored('archive'), stored('archive', 'b')]
    expect(judged({ lines, stored: both, faults }).broken).toEqual([
      '2 jobs were worked again after the fault «a lock», with 1 in hand at it',
    ])
    const overlapping = [...worked('a', 100_000, 1), ...worked('b', 100_500, 1), ...worked('a', 104_000, 2)]
    const again = [...sent('a'), ...sent('b'), ...overlapping, ...worked('b', 104_000, 2)]
    expect(judged({ lines: again, stored: both, faults })).toMatchObject({
      broken: [],
      explanations: [{ repeats: 2, inHand: 2 }],
    })
  })

  it('is put down to the fault that has room for it', () => {
    const lines = [...twice(), ...twice('b')]
    const faults = [
      { name: 'a kill', from: 100_000, to: 100_000, pid: 1 },
      { name: 'a crash', from: 100_500, to: 100_500 },
    ]
    const { broken, explanations } = judged({ lines, stored: [...archived, stored('archive', 'b')], faults })
    expect(broken).toEqual([])
    expect(explanations.map(({ repeats }) => repeats)).toEqual([1, 1])
  })
})
