import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../harness/eventually.ts'
import { ledgerNow, readLedger } from '../harness/ledger.ts'
import { type FaultWindow, judge, type StoredJob, type Verdict } from '../harness/oracle.ts'
import { faults, writable } from './faults.ts'
import { type Strike, scheduleOf } from './schedule.ts'
import { leaseMs, queues, Stage } from './stage.ts'

export interface CampaignOptions {
  readonly seed: number
  /** How long faults strike; the healing after it comes on top. */
  readonly lengthMs: number
  /** Nothing is broken: a soak. @default true */
  readonly striking?: boolean
  /** Told what happens, line by line. */
  readonly say: (line: string) => void
}

export interface CampaignResult extends Verdict {
  readonly strikes: number
  /** From the end of the last fault to the last job. */
  readonly healedMs: number
  readonly memory: readonly string[]
}

/** A safety poll with its jitter, and backoff after an error: nothing waits longer once nothing is broken. */
const worstWaitMs = 33_000 + 6000
/** How long a session of PostgreSQL may take to be gone when everything that used it has ended. */
const goneMs = 10_000

export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { seed, lengthMs, striking = true, say } = options
  await using stage = await Stage.open(seed, 120)
  const strikes = striking ? scheduleOf(seed, lengthMs, faults) : []
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
  const memory = await Promise.all(
    stage.workers.map(async (worker) => {
      const health = await worker?.health()
      return health === undefined
        ? 'ended'
        : `${mega(health.heapBytes)} heap, ${mega(health.rssBytes)} resident`
    }),
  )
  const stopFrom = ledgerNow()
  await stage.close()
  if (ledgerNow() - stopFrom > 5000)
    broken.push(`the workers took ${seconds(ledgerNow() - stopFrom)} to stop with nothing to do`)
  broken.push(...(await leftBehind(stage)), ...wrongEndings(stage))
  const evidence = {
    lines: readLedger(stage.ledger),
    stored: await storedJobs(stage),
    faults: windows,
    leaseMs,
  }
  const verdict = judge(evidence)
  const longestFaultMs = Math.max(0, ...windows.map(({ from, to }) => to - from))
  if (verdict.longestWaitMs > worstWaitMs + longestFaultMs)
    broken.push(`a job waited ${seconds(verdict.longestWaitMs)} for its first run`)
  return { ...verdict, broken: [...verdict.broken, ...broken], strikes: strikes.length, healedMs, memory }
}

async function strikeAll(
  stage: Stage,
  strikes: readonly Strike[],
  beganAt: number,
  say: (line: string) => void,
): Promise<FaultWindow[]> {
  const windows: FaultWindow[] = []
  const striking = strikes.map(async ({ atMs, lastsMs, pick, fault }) => {
    await sleep(Math.max(0, beganAt + atMs - ledgerNow()))
    // One that is under way on the same thing would be in the way of this one.
    await stage.inTurn(fault.turn, async () => {
      const from = ledgerNow()
      say(`${seconds(from - beganAt)} ${fault.name}${lastsMs > 0 ? ` for ${lastsMs} ms` : ''}`)
      await fault.strike(stage, lastsMs, pick)
      windows.push({ name: fault.name, from, to: ledgerNow() })
    })
  })
  await Promise.all(striking)
  return windows
}

async function waiting(stage: Stage): Promise<number> {
  const tables = queues.map((queue) => `select count(*) as jobs from pgmq.q_${queue}`).join(' union all ')
  const { rows } = await stage.server.query(`select sum(jobs)::int as jobs from (${tables}) as each`)
  return rows[0].jobs
}

async function storedJobs(stage: Stage): Promise<StoredJob[]> {
  const stored: StoredJob[] = []
  for (const queue of queues) {
    for (const [table, where] of [
      [`q_${queue}`, 'queue'],
      [`a_${queue}`, 'archive'],
      [`q_${queue}_dlq`, 'dead-letters'],
    ] as const) {
      const { rows: found } = await stage.server.query('select to_regclass($1) as table', [`pgmq.${table}`])
      if (found[0].table === null) continue
      const { rows } = await stage.server.query(`select message ->> 'key' as key from pgmq.${table}`)
      stored.push(...rows.map(({ key }) => ({ key: String(key), where })))
    }
  }
  return stored
}

/** Sessions that nobody should have any more. */
async function leftBehind(stage: Stage): Promise<string[]> {
  const sessions = async () =>
    (
      await stage.server.query(
        `select application_name from pg_stat_activity where application_name ~ '^aimq( listen| realtime)?$'`,
      )
    ).rows.map((row) => row.application_name)
  try {
    await eventually(async () => (await sessions()).length === 0, 'no session is left', goneMs)
    return []
  } catch {
    return [`sessions were left behind: ${(await sessions()).join(', ')}`]
  }
}

/** A process ends by the signal it was sent, or with 0 when it was told to stop; never by itself. */
function wrongEndings(stage: Stage): string[] {
  return stage.endings.flatMap(({ who, told, code, signal, stderr }) => {
    const right = told === 'SIGKILL' ? signal === 'SIGKILL' : told === 'SIGTERM' && code === 0
    if (right) return []
    return [`${who} ended with ${signal ?? code}, told ${told ?? 'nothing'}: ${stderr.slice(-2000)}`]
  })
}

const mega = (bytes: number) => `${Math.round(bytes / 1e6)} MB`
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`.padStart(8)
