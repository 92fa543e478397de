import { expect, test } from 'vitest'
import { buckets, drawHistogram, percentiles } from '../src/bench/histogram.ts'
import { type Frame, render } from '../src/top/render.ts'
import type { QueueSample } from '../src/top/sample.ts'
import { sparkline } from '../src/top/sparkline.ts'

const unstyled = (_format: unknown, text: string) => text
const queue: QueueSample = {
  queue: 'emails',
  ready: 1200,
  inHand: 3,
  scheduled: 0,
  oldestReadyMs: 90_000,
  archived: 7,
  sentPerSecond: 40.24,
  donePerSecond: 38,
  p50Ms: 12,
  p95Ms: 1800,
  wakeUps: 'notify',
}
const frame = (queues: QueueSample[]): Frame => ({
  sample: {
    at: 0,
    queues,
    realtime: {
      health: 'healthy',
      paths: [
        { path: 'listen', health: 'healthy', canaryMs: 0.8 },
        { path: 'supabase', health: 'degraded' },
      ],
      hints: 0,
      ignored: 0,
    },
  },
  history: new Map([['emails', [1, 2, 4, 8]]]),
  location: 'localhost:5432/app',
  intervalMs: 2000,
})

test('top: every queue on a line, columns aligned', () => {
  const lines = render(
    frame([queue, { ...queue, queue: 'emails_dlq', ready: 2 }]),
    { columns: 200, rows: 20 },
    unstyled,
  )
  expect(lines.join('\n')).toContain('● LISTEN/NOTIFY 0.8 ms   ● Supabase Realtime degraded')
  const [heading = '', first = '', second = ''] = lines.slice(3)
  expect(heading).toMatch(
    /^QUEUE +READY +IN HAND +SCHEDULED +OLDEST +SENT\/s +DONE\/s +p50 +p95 +DONE\/s SO FAR +WAKE-UPS/,
  )
  expect(first).toMatch(/^emails +1,200 +3 +· +1 min 30 s +40 +38 +12 ms +1.8 s +▁▂▄█ +notify/)
  expect(second).toMatch(/^emails_dlq +2 /)
  expect(first.indexOf('notify')).toBe(heading.indexOf('WAKE-UPS'))
})

test.each([40, 60, 80, 100, 120])('top fits into %d columns, and keeps what matters most', (columns) => {
  const lines = render(frame([queue]), { columns, rows: 20 }, unstyled)
  for (const line of lines.slice(3, 5)) expect(line.length).toBeLessThanOrEqual(columns)
  expect(lines[4]).toMatch(/^emails +1,200/)
})

test('top fits into few rows, and says what is not shown', () => {
  const many = Array.from({ length: 50 }, (_, n) => ({ ...queue, queue: `q${n}` }))
  const lines = render(frame(many), { columns: 100, rows: 15 }, unstyled)
  expect(lines.length).toBeLessThanOrEqual(15)
  expect(lines.join('\n')).toMatch(/and \d+ more/)
})

test('sparklines: on the scale given, the newest on the right', () => {
  expect(sparkline([0, 1, 4, 8], 6)).toBe('  ▁▁▄█')
  expect(sparkline([1, 2, 3], 2, 8)).toBe('▂▃')
  expect(sparkline([], 3)).toBe('   ')
  expect(sparkline([0, 0], 2)).toBe('▁▁')
})

test('percentiles are values that were measured', () => {
  const values = Array.from({ length: 100 }, (_, n) => 100 - n)
  expect(percentiles(values)).toEqual({ count: 100, minMs: 1, p50Ms: 50, p95Ms: 95, p99Ms: 99, maxMs: 100 })
  expect(percentiles([7])).toMatchObject({ p50Ms: 7, p99Ms: 7 })
})

test('a histogram counts every value once', () => {
  const values = [0.2, 1.5, 1.6, 4, 60_000]
  expect(buckets(values).reduce((sum, { count }) => sum + count, 0)).toBe(values.length)
  const lines = drawHistogram({ style: unstyled }, values, 10)
  expect(lines[0]).toMatch(/< 0\.5 ms +█{5} +1$/)
  expect(lines[2]).toMatch(/< 2 ms +█{10} 2$/)
  expect(lines.at(-1)).toMatch(/≥ 10 s +█{5} +1$/)
})
