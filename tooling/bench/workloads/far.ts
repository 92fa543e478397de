import { startTcpProxy } from '../../faults/harness/tcp-proxy.ts'
import type { Figure } from '../measurement.ts'
import { runDrain } from './run-drain.ts'
import { runWake } from './wake.ts'
import type { Bench, Workload } from './workload.ts'

/** A worker in another region: every statement takes this much longer, a notification half of it. Only delay is imitated. */
const roundTripMs = 80

/** The worker is away from the database, the producer and the clock are not. */
export const far: readonly Workload[] = [
  {
    family: 'far',
    title: `drain of 50,000 jobs, ${roundTripMs} ms away`,
    subjects: ['aimq', 'aimq-delete', 'raw', 'graphile', 'pg-boss'],
    slow: true,
    run: (bench) => fromAfar(bench, (away) => runDrain(away, { jobs: 50_000 })),
  },
  {
    family: 'far',
    title: `wake-up of an idle worker, ${roundTripMs} ms away`,
    subjects: ['raw-listen', 'aimq-listen', 'graphile-single', 'pg-boss'],
    slow: true,
    once: true,
    // Long idle: a worker looks a second time 300 ms after it found something.
    run: (bench) => fromAfar(bench, (away) => runWake(away, 50, { least: 500, most: 900 })),
  },
]

async function fromAfar(bench: Bench, run: (away: Bench) => Promise<Figure[]>): Promise<Figure[]> {
  await using way = await startTcpProxy(bench.place.postgres)
  way.delay(roundTripMs / 2)
  return await run({ ...bench, workerPlace: { ...bench.place, postgres: way.url } })
}
