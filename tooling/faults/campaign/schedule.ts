import { randoms, wholeFrom } from '../harness/randoms.ts'
import type { Fault } from './faults.ts'

/** One fault to come. */
export interface Strike {
  readonly atMs: number
  readonly lastsMs: number
  /** In 0 … 1: chooses the victim. */
  readonly pick: number
  readonly fault: Fault
}

/** Between the ends and beginnings of two faults; some overlap. */
const pauseMs = { least: 200, most: 3500 }
const overlapChance = 0.25

/** Which fault strikes when, how long and whom: a function of the seed, and of nothing else. */
export function scheduleOf(seed: number, lengthMs: number, faults: readonly Fault[]): readonly Strike[] {
  const random = randoms(seed)
  const total = faults.reduce((sum, { weight }) => sum + weight, 0)
  const strikes: Strike[] = []
  for (let at = 1500; ; ) {
    const fault = chosen(faults, random() * total)
    const lastsMs = wholeFrom(random, ...fault.lasts)
    if (at + lastsMs > lengthMs) return strikes
    strikes.push({ atMs: at, lastsMs, pick: random(), fault })
    at += (random() < overlapChance ? 0 : lastsMs) + wholeFrom(random, pauseMs.least, pauseMs.most)
  }
}

function chosen(faults: readonly Fault[], weight: number): Fault {
  let left = weight
  for (const fault of faults) {
    left -= fault.weight
    if (left < 0) return fault
  }
  return faults.at(-1) as Fault
}
