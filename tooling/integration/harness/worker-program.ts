/*
 * A worker process for tests: works one queue, writes a ledger, does to itself what its handler is told to do.
 * Configured by the environment; see `worker-process.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createBus } from '@aimq/events'
import { queue } from '@aimq/queue'
import { type Job, worker } from '@aimq/worker'
import { record } from './ledger.ts'

const {
  DATABASE_URL = '',
  QUEUE = '',
  LEDGER = '',
  LEASE_MS = '2000',
  JOB_MS = '0',
  CONCURRENCY = '10',
  BLOCK_MS = '0',
  DIE = '',
} = process.env

async function handler(job: Job<{ poison?: boolean }>): Promise<void> {
  record(LEDGER, 'start', job.id)
  if (job.payload.poison) process.kill(process.pid, 'SIGKILL')
  if (BLOCK_MS !== '0') {
    const until = performance.now() + Number(BLOCK_MS)
    while (performance.now() < until);
    throw new Error('too late to be recorded')
  }
  await sleep(Number(JOB_MS), undefined, { signal: job.signal })
  record(LEDGER, 'done', job.id)
  if (DIE === 'after-done') process.kill(process.pid, 'SIGKILL')
}

const bus = createBus()
await bus.use(queue({ connectionString: DATABASE_URL }))
await bus.use(
  worker({
    handlers: { [QUEUE]: handler },
    defaults: { leaseMs: Number(LEASE_MS), concurrency: Number(CONCURRENCY), maxCrashes: 4 },
    gracePeriodMs: 200,
  }),
)
process.once('SIGTERM', () => void bus.stop().then(() => process.exit(0)))
process.send?.('ready')
