import type { SubjectName } from './subjects/index.ts'

/** One figure of one run. */
export interface Figure {
  /** What was measured, when a workload measures several things: `p50`, `CPU in Node`. */
  readonly metric?: string
  readonly unit: string
  readonly value: number
  readonly better: 'higher' | 'lower'
}

/** One line of the result: all runs of one figure of one subject. */
export interface Result {
  readonly workload: string
  readonly subject: string
  readonly unit: string
  readonly median: number
  readonly min: number
  readonly max: number
  readonly runs: number
}

/** A result with what the report needs besides. */
export interface Line extends Result {
  /** The workload's short name, and the metric. */
  readonly family: string
  readonly metric: string | undefined
  readonly subjectName: SubjectName
  readonly better: 'higher' | 'lower'
  /** In the order of the runs, for ratios within one. */
  readonly values: readonly number[]
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** The value below which that share of the sorted values lies. */
export function percentile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const percentiles = (latenciesMs: ArrayLike<number>): Figure[] =>
  [
    ['p50', 0.5],
    ['p95', 0.95],
    ['p99', 0.99],
    ['max', 1],
  ].map(([metric, share]) => ({
    metric: metric as string,
    unit: 'ms',
    value: percentile(latenciesMs, share as number),
    better: 'lower',
  }))
