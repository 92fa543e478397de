import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../harness/eventually.ts'
import { ledgerNow, readLedger } from '../harness/ledger.ts'
import { judge, type Verdict } from '../harness/oracle.ts'
import type { FaultWindow } from '../harness/repeats.ts'
import { lastWords, leftBehind, seconds, storedJobs, waiting, wrongEndings } from './aftermath.ts'
import { faults, writable } from './faults.ts'
import { type Strike, scheduleOf } from './schedule.ts'
import { Stage } from './stage.ts'

export interface CampaignOptions {
  readonly seed: number
  /** How long faults strike; the healing after it comes on top. */
  readonly lengthMs: number
  /** Told what happens, line by line. */
  readonly say: (line: string) => void
}

export interface CampaignResult extends Verdict {
  readonly strikes: number
  /** Those of them that found something to break. */
  readonly bit: number
  /** From the end of the last fault to the last job. */
  readonly healedMs: number
  readonly memory: readonly string[]
  /** Of a soak: how what should be flat was at first, and in the end. */
  readonly flat?: readonly string[]
}

/** A safety poll with its jitter, and backoff after an error: nothing waits longer once nothing is broken. */
const worstWaitMs = 33_000 + 6000

export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { seed, lengthMs, say } = options
  await using stage = await Stage.open(seed, 120)
  const strikes = scheduleOf(seed, lengthMs, faults)
  const beganAt = ledgerNow()
  const windows = await strikeAll(stage, strikes, beganAt, say)
  await sleep(Math.max(0, beganAt + lengthMs - ledgerNow()))
  stage.proxy.heal()
  await writable(stage)
  say(`${seconds(ledgerNow() - beganAt)} the faults are over; producers stop`)
  const healedFrom = ledgerNow()
  await Promise.all(stage.producers.map((producer) => stage.tell(producer, 'SIGTERM')))
  const broken: string[] = []
  await eventually(async () => (await waiting(stage)) === 0, 'every queue is empty', 60_000).catch(() =>
    broken.push(`after 60 s without faults there were still jobs in the queues`),
  )
  const healedMs = ledgerNow() - healedFrom
  const { memory, broken: wrongWords } = await lastWords(stage)
  broken.push(...wrongWords)
  const stopFrom = ledgerNow()
  await stage.close()
  if (ledgerNow() - stopFrom > 5000)
    broken.push(`the workers took ${seconds(ledgerNow() - stopFrom)} to stop with nothing to do`)
  broken.push(...(await leftBehind(stage)), ...wrongEndings(stage))
  const evidence = {
    lines: readLedger(stage.ledger),
    stored: await storedJobs(stage),
    faults: windows.filter(({ repeatsJobs }) => repeatsJobs),
  }
  const verdict = judge(evidence)
  const longestFaultMs = Math.max(0, ...windows.map(({ from, to }) => to - from))
  if (verdict.longestWaitMs > worstWaitMs + longestFaultMs)
    broken.push(`a job waited ${seconds(verdict.longestWaitMs)} for its first run`)
  return {
    ...verdict,
    broken: [...verdict.broken, ...broken],
    strikes: strikes.length,
    bit: windows.filter(({ bit }) => bit).length,
    healedMs,
    memory,
  }
}

interface StruckWindow extends FaultWindow {
  readonly repeatsJobs: boolean
  readonly bit: boolean
}

async function strikeAll(
  stage: Stage,
  strikes: readonly Strike[],
  beganAt: number,
  say: (line: string) => void,
): Promise<StruckWindow[]> {
  const windows: StruckWindow[] = []
  const striking = strikes.map(async ({ atMs, lastsMs, pick, fault }) => {
    await sleep(Math.max(0, beganAt + atMs - ledgerNow()))
    // One that is under way on the same thing would be in the way of this one.
    await stage.inTurn(fault.turn, async () => {
      const pid = fault.victim?.(stage, pick)?.pid
      const from = ledgerNow()
      say(`${seconds(from - beganAt)} ${fault.name}${lastsMs > 0 ? ` for ${lastsMs} ms` : ''}`)
      const bit = await fault.strike(stage, lastsMs, pick)
      const to = ledgerNow()
      if (!bit) say(`${seconds(to - beganAt)} ${fault.name}: found nothing to break`)
      windows.push({ name: fault.name, repeatsJobs: fault.repeatsJobs, bit, pid, from, to })
    })
  })
  await Promise.all(striking)
  return windows
}
