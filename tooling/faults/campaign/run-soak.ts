import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../harness/eventually.ts'
import { ledgerNow, readLedger } from '../harness/ledger.ts'
import { judge } from '../harness/oracle.ts'
import type { WorkerHealth } from '../harness/worker-process.ts'
import { lastWords, leftBehind, mega, seconds, storedJobs, waiting, wrongEndings } from './aftermath.ts'
import { compareThirds, type Sample } from './flatness.ts'
import type { CampaignOptions, CampaignResult } from './run-campaign.ts'
import { Stage } from './stage.ts'

/** Steady load and nothing broken: memory, handles and statements a job must be flat, and every job be run once. */
export async function runSoak({ seed, lengthMs, say }: CampaignOptions): Promise<CampaignResult> {
  await using stage = await Stage.open(seed, 60)
  const beganAt = ledgerNow()
  const samples: Sample[] = []
  const sampleEveryMs = lengthMs / 20
  let latest = await take(stage)
  while (ledgerNow() - beganAt < lengthMs) {
    await sleep(sampleEveryMs)
    const now = await take(stage)
    const sample = sampleOf(latest, now)
    samples.push(sample)
    latest = now
    const shown = sample.workers.map(
      ({ heapBytes, handles }) => `${mega(heapBytes)} heap, ${handles} handles`,
    )
    say(
      `${seconds(now.at - beganAt)} ${now.worked} worked, ${sample.statementsPerJob.toFixed(2)} statements each; ${shown.join('; ')}`,
    )
  }
  await Promise.all(stage.producers.map((producer) => stage.tell(producer, 'SIGTERM')))
  const stoppedAt = ledgerNow()
  await eventually(async () => (await waiting(stage)) === 0, 'every queue is empty', 60_000)
  const healedMs = ledgerNow() - stoppedAt
  const { memory, broken: wrongWords } = await lastWords(stage)
  await stage.close()
  const evidence = {
    lines: readLedger(stage.ledger),
    stored: await storedJobs(stage),
    faults: [],
    calm: true,
  }
  const verdict = judge(evidence)
  const flat = compareThirds(samples)
  const broken = [
    ...verdict.broken,
    ...flat.broken,
    ...wrongWords,
    ...(await leftBehind(stage)),
    ...wrongEndings(stage),
  ]
  return { ...verdict, broken, strikes: 0, bit: 0, healedMs, memory, flat: flat.said }
}

interface Reading {
  readonly at: number
  readonly workers: readonly WorkerHealth[]
  readonly worked: number
}

async function take(stage: Stage): Promise<Reading> {
  const healths = await Promise.all(stage.workers.map((worker) => worker?.health()))
  const worked = readLedger(stage.ledger).filter(({ what }) => what === 'done').length
  return { at: ledgerNow(), workers: healths.filter((health) => health !== undefined), worked }
}

function sampleOf(before: Reading, now: Reading): Sample {
  const statements = ({ workers }: Reading) => workers.reduce((sum, worker) => sum + worker.statements, 0)
  return {
    workers: now.workers.map(({ heapBytes, rssBytes, resources }) => ({
      heapBytes,
      rssBytes,
      handles: Object.values(resources).reduce((sum, count) => sum + count, 0),
    })),
    statementsPerJob: (statements(now) - statements(before)) / Math.max(1, now.worked - before.worked),
  }
}
