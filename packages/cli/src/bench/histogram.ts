import type { Output } from '../output.ts'
import { count, duration } from '../show.ts'

export interface Percentiles {
  readonly count: number
  readonly minMs: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(Math.ceil(share * sorted.length), sorted.length) - 1] ?? 0
  return {
    count: sorted.length,
    minMs: sorted[0] ?? 0,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    maxMs: sorted.at(-1) ?? 0,
  }
}

export interface Bucket {
  readonly fromMs: number
  readonly toMs: number
  readonly count: number
}

/** Steps of 1, 2, 5, 10, …: fine where most are, and still room for the slowest. */
const edges = [
  0,
  0.5,
  1,
  2,
  3,
  5,
  7,
  10,
  15,
  20,
  30,
  50,
  75,
  100,
  150,
  200,
  300,
  500,
  1000,
  2000,
  5000,
  10_000,
  Infinity,
]

/** From the first bucket that holds something to the last. */
export function buckets(values: readonly number[]): Bucket[] {
  const all = edges.slice(0, -1).map((fromMs, index) => {
    const toMs = edges[index + 1] ?? Number.POSITIVE_INFINITY
    return { fromMs, toMs, count: values.filter((value) => value >= fromMs && value < toMs).length }
  })
  const first = all.findIndex((bucket) => bucket.count > 0)
  const last = all.findLastIndex((bucket) => bucket.count > 0)
  return first === -1 ? [] : all.slice(first, last + 1)
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** A bar for each bucket, as long as it holds much. */
export function drawHistogram(
  output: Pick<Output, 'style'>,
  values: readonly number[],
  width: number,
): string[] {
  const shown = buckets(values)
  const most = Math.max(...shown.map(({ count }) => count), 1)
  return shown.map(({ fromMs, toMs, count: many }) => {
    const parts = Math.round((many / most) * width * 8)
    const bar = '█'.repeat(Math.floor(parts / 8)) + (eighths[parts % 8] ?? '')
    const label = Number.isFinite(toMs) ? `< ${edgeText(toMs)}` : `≥ ${edgeText(fromMs)}`
    return `  ${output.style('dim', label.padStart(9))}  ${output.style('cyan', bar.padEnd(width))} ${many === 0 ? '' : count(many)}`.trimEnd()
  })
}

const edgeText = (ms: number): string => (ms < 1000 ? `${ms} ms` : duration(ms).replace('.0', ''))
