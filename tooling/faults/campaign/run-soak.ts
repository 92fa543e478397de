import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../harness/eventually.ts'
import { ledgerNow, readLedger } from '../harness/ledger.ts'
import { judge } from '../harness/oracle.ts'
import type { WorkerHealth } from '../harness/worker-process.ts'
import { leftBehind, mega, seconds, storedJobs, waiting, wrongEndings } from './aftermath.ts'
import type { CampaignOptions, CampaignResult } from './run-campaign.ts'
import { leaseMs, Stage } from './stage.ts'

interface Sample {
  readonly at: number
  readonly workers: readonly WorkerHealth[]
  readonly worked: number
}

/** Growth allowed between a fifth of the time and its end. */
const heapGrowthBytes = 8e6
const statementsGrowth = 1.25

/** Steady load and nothing broken: memory, handles and statements a job must be flat, and every job be run once. */
export async function runSoak({ seed, lengthMs, say }: CampaignOptions): Promise<CampaignResult> {
  await using stage = await Stage.open(seed, 60)
  const beganAt = ledgerNow()
  const samples: Sample[] = []
  const sampleEveryMs = lengthMs / 20
  while (ledgerNow() - beganAt < lengthMs) {
    await sleep(sampleEveryMs)
    const sample = await take(stage)
    samples.push(sample)
    const shown = sample.workers.map(
      ({ heapBytes, resources }) => `${mega(heapBytes)} heap, ${total(resources)} handles`,
    )
    say(`${seconds(sample.at - beganAt)} ${sample.worked} worked; ${shown.join('; ')}`)
  }
  await Promise.all(stage.producers.map((producer) => stage.tell(producer, 'SIGTERM')))
  const stoppedAt = ledgerNow()
  await eventually(async () => (await waiting(stage)) === 0, 'every queue is empty', 60_000)
  const healedMs = ledgerNow() - stoppedAt
  const memory = (await take(stage)).workers.map(
    ({ heapBytes, rssBytes }) => `${mega(heapBytes)} heap, ${mega(rssBytes)} resident`,
  )
  await stage.close()
  const evidence = { lines: readLedger(stage.ledger), stored: await storedJobs(stage), faults: [], leaseMs }
  const verdict = judge(evidence)
  const broken = [
    ...verdict.broken,
    ...notFlat(samples),
    ...(await leftBehind(stage)),
    ...wrongEndings(stage),
  ]
  return { ...verdict, broken, strikes: 0, healedMs, memory }
}

async function take(stage: Stage): Promise<Sample> {
  const healths = await Promise.all(stage.workers.map((worker) => worker?.health()))
  const worked = readLedger(stage.ledger).filter(({ what }) => what === 'done').length
  return { at: ledgerNow(), workers: healths.filter((health) => health !== undefined), worked }
}

function notFlat(samples: readonly Sample[]): string[] {
  const from = samples[Math.floor(samples.length / 5)]
  const half = samples[Math.floor(samples.length / 2)]
  const to = samples.at(-1)
  if (from === undefined || half === undefined || to === undefined) return ['there are too few samples']
  const broken: string[] = []
  to.workers.forEach((last, n) => {
    const first = from.workers[n]
    if (first === undefined) return
    if (last.heapBytes - first.heapBytes > heapGrowthBytes)
      broken.push(`the heap of worker ${n + 1} grew from ${mega(first.heapBytes)} to ${mega(last.heapBytes)}`)
    // A job in hand has a timer or two; a leak would have hundreds.
    if (total(last.resources) - total(first.resources) > 20)
      broken.push(`worker ${n + 1} had ${total(first.resources)} handles, and has ${total(last.resources)}`)
  })
  const [before, after] = [perJob(from, half), perJob(half, to)]
  if (after > before * statementsGrowth)
    broken.push(`a job took ${before.toFixed(2)} statements, and takes ${after.toFixed(2)}`)
  return broken
}

const total = (resources: Readonly<Record<string, number>>) =>
  Object.values(resources).reduce((sum, count) => sum + count, 0)

function perJob(from: Sample, to: Sample): number {
  const statements = (sample: Sample) => sample.workers.reduce((sum, worker) => sum + worker.statements, 0)
  return (statements(to) - statements(from)) / Math.max(1, to.worked - from.worked)
}
