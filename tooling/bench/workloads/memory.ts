import pg from 'pg'
import type { Figure } from '../measurement.ts'
import { AppProcess } from '../process/app-process.ts'
import { SubjectProcess } from '../process/subject-process.ts'
import { fillUnseen } from './fill.ts'
import { deployedRooms, type Room, rooms } from './rooms.ts'
import { emptied } from './run-drain.ts'
import { begun } from './wake.ts'
import type { Bench, Workload } from './workload.ts'

const legs = 5
const jobsPerLeg = 200_000

/** One worker process that works a million jobs: of the worker alone, and of the whole app. */
export const memory: readonly Workload[] = [
  ...rooms(1024, 512).map((room) => over('one worker', room, runWorker)),
  ...deployedRooms(1024, 512).map((room) => over('apps/worker', room, runApp)),
]

function over(who: string, room: Room, run: (bench: Bench, room: Room) => Promise<Figure[]>): Workload {
  return {
    family: 'memory',
    title: `memory of ${who} over 1,000,000 jobs${room.title}`,
    subjects: ['aimq'],
    slow: true,
    once: true,
    memoryLimitMb: room.memoryLimitMb,
    run: (bench) => run(bench, room),
  }
}

async function runWorker(bench: Bench, { flags }: Room): Promise<Figure[]> {
  const { subject, place, inspector, memoryLimit } = bench
  await inspector.clear()
  await using worker = new SubjectProcess({ limit: memoryLimit, flags })
  await worker.ask('work', { subject, place, total: legs * jobsPerLeg })
  return await inLegs(bench, async (jobs) => {
    await begun(worker, jobs)
    return (await worker.ask('tally')).rssMb
  })
}

async function runApp(bench: Bench, { flags }: Room): Promise<Figure[]> {
  const { place, inspector, memoryLimit } = bench
  await inspector.clear()
  await using app = new AppProcess(place.postgres, { limit: memoryLimit, flags })
  const figures = await inLegs(bench, async () => app.rssMb())
  await checkArchive(place.postgres)
  return figures
}

/** @param rssMb once the queue is empty, with how many jobs there were so far */
async function inLegs(bench: Bench, rssMb: (jobs: number) => Promise<number>): Promise<Figure[]> {
  const figures: Figure[] = []
  for (let jobs = jobsPerLeg; jobs <= legs * jobsPerLeg; jobs += jobsPerLeg) {
    await fillUnseen(bench, { count: jobsPerLeg, from: jobs - jobsPerLeg })
    await emptied(bench, 20)
    const metric = `after ${jobs.toLocaleString('en-US')}`
    figures.push({ metric, unit: 'MB RSS', value: await rssMb(jobs), better: 'lower' })
  }
  return figures
}

/** The app counts nothing; what it has done is in the archive. */
async function checkArchive(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query('select count(*) from pgmq.a_bench').finally(() => client.end())
  const done = Number(rows[0].count)
  if (done !== legs * jobsPerLeg) throw new Error(`expected ${legs * jobsPerLeg} jobs done, found ${done}`)
}
