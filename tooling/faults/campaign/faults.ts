import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { ChildProgram } from '../harness/child-program.ts'
import { readMark, statementMarks } from '../harness/statements.ts'
import { leaseMs, producerCount, queues, type Stage, workerCount } from './stage.ts'

/** One way to break something. What it needs to choose comes from the schedule, so that a seed repeats it. */
export interface Fault {
  readonly name: string
  /** What it breaks: two faults of one kind never overlap. */
  readonly turn: 'processes' | 'server' | 'network' | 'realtime' | 'database'
  /**
   * Whether it may cause a job to be worked again: it kills or freezes a worker, or comes between the end of a job and
   * its settlement. What only delays a wake-up may not, nor a worker that is told to stop, nor a clock.
   */
  readonly repeatsJobs: boolean
  /** The one process that it breaks, if it is one. */
  victim?(stage: Stage, pick: number): ChildProgram | undefined
  /** How often it is chosen, beside the others. */
  readonly weight: number
  /** How long it lasts, in milliseconds, least and most. */
  readonly lasts: readonly [number, number]
  /**
   * `pick` in 0 … 1 chooses the victim. Resolves when it is over, and everything runs again, with whether it bit: one may
   * find the database away, no connection there, or nobody who asks what it waits for.
   */
  strike(stage: Stage, lastsMs: number, pick: number): Promise<boolean>
}

const workerOf = (pick: number) => Math.floor(pick * workerCount)
const producerOf = (pick: number) => Math.floor(pick * producerCount)
const queueOf = (pick: number) => queues[Math.floor(pick * queues.length)] as string
/**
 * Most wishes of SQL have to survive that the database is away: another fault may be striking, too. Answers how many rows
 * came, and with nothing when it failed.
 */
const wish = (stage: Stage, text: string): Promise<number | undefined> =>
  stage.server.query(text).then(
    ({ rowCount }) => rowCount ?? 0,
    () => undefined,
  )
/** Whether there was a session with such a name to be ended. */
const terminated = async (stage: Stage, pattern: string): Promise<boolean> =>
  ((await wish(
    stage,
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name like '${pattern}'`,
  )) ?? 0) > 0
const succeeds = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  )
const topic = 'aimq:jobs'
const joined = ({ realtime }: Stage) =>
  realtime.hooks.channels().some((channel) => channel.topic.endsWith(topic))

/** Without the answer to one of these a worker cannot know what became of a job in its hand. A read settles, too. */
const settles = new Set(['a read', 'a settlement', 'a heartbeat', 'a dead letter'])

export const faults: readonly Fault[] = [
  {
    name: 'kill -9 a worker',
    turn: 'processes',
    repeatsJobs: true,
    victim: (stage, pick) => stage.workers[workerOf(pick)],
    weight: 4,
    lasts: [200, 3000],
    async strike(stage, lastsMs, pick) {
      await stage.tell(stage.workers[workerOf(pick)], 'SIGKILL')
      await sleep(lastsMs)
      await stage.startWorker(workerOf(pick))
      return true
    },
  },
  {
    name: 'SIGTERM a worker',
    turn: 'processes',
    repeatsJobs: false,
    weight: 3,
    lasts: [0, 2000],
    async strike(stage, lastsMs, pick) {
      await stage.tell(stage.workers[workerOf(pick)], 'SIGTERM')
      await sleep(lastsMs)
      await stage.startWorker(workerOf(pick))
      return true
    },
  },
  {
    name: 'a worker stands still',
    turn: 'processes',
    repeatsJobs: true,
    victim: (stage, pick) => stage.workers[workerOf(pick)],
    weight: 3,
    lasts: [500, 2 * leaseMs],
    async strike(stage, lastsMs, pick) {
      await stage.tell(stage.workers[workerOf(pick)], 'SIGSTOP')
      await sleep(lastsMs)
      await stage.tell(stage.workers[workerOf(pick)], 'SIGCONT')
      return true
    },
  },
  {
    name: 'a worker whose clock lies',
    turn: 'processes',
    repeatsJobs: false,
    weight: 1,
    lasts: [3000, 8000],
    async strike(stage, lastsMs, pick) {
      const n = workerOf(pick)
      await stage.tell(stage.workers[n], 'SIGTERM')
      await stage.startWorker(n, pick > 0.5 ? 3_600_000 : -3_600_000)
      await sleep(lastsMs)
      await stage.tell(stage.workers[n], 'SIGTERM')
      await stage.startWorker(n)
      return true
    },
  },
  {
    name: 'kill -9 a producer',
    turn: 'processes',
    repeatsJobs: false,
    weight: 2,
    lasts: [100, 1500],
    async strike(stage, lastsMs, pick) {
      await stage.tell(stage.producers[producerOf(pick)], 'SIGKILL')
      await sleep(lastsMs)
      await stage.startProducer(producerOf(pick))
      return true
    },
  },
  {
    name: 'PostgreSQL crashes',
    turn: 'server',
    repeatsJobs: true,
    weight: 3,
    lasts: [0, 0],
    strike: (stage) => stage.server.crash(),
  },
  {
    name: 'PostgreSQL is stopped at once, and started',
    turn: 'server',
    repeatsJobs: true,
    weight: 2,
    lasts: [0, 5000],
    async strike(stage, lastsMs) {
      await stage.server.stop('immediate')
      await sleep(lastsMs)
      await stage.server.start()
      return true
    },
  },
  {
    name: 'every session is terminated',
    turn: 'server',
    repeatsJobs: true,
    weight: 2,
    lasts: [0, 0],
    strike: (stage) => terminated(stage, 'aimq%'),
  },
  {
    name: 'LISTEN sessions are terminated',
    turn: 'server',
    repeatsJobs: false,
    weight: 2,
    lasts: [0, 0],
    strike: (stage) => terminated(stage, 'aimq listen'),
  },
  {
    name: 'every connection goes dead',
    turn: 'network',
    repeatsJobs: true,
    weight: 2,
    lasts: [500, 5000],
    async strike(stage, lastsMs) {
      const dead = stage.proxy.blackHole()
      await sleep(lastsMs)
      stage.proxy.heal()
      return dead > 0
    },
  },
  {
    name: 'answers do not come',
    turn: 'network',
    repeatsJobs: true,
    weight: 2,
    lasts: [500, 5000],
    async strike(stage, lastsMs) {
      const dead = stage.proxy.blackHole({ direction: 'down' })
      await sleep(lastsMs)
      stage.proxy.heal()
      return dead > 0
    },
  },
  {
    name: 'LISTEN sessions go dead',
    turn: 'network',
    repeatsJobs: false,
    weight: 2,
    lasts: [2000, 8000],
    async strike(stage, lastsMs) {
      const dead = stage.proxy.blackHole({ says: 'aimq listen' })
      await sleep(lastsMs)
      stage.proxy.heal()
      return dead > 0
    },
  },
  {
    name: 'connections are reset',
    turn: 'network',
    repeatsJobs: true,
    weight: 2,
    lasts: [0, 0],
    async strike(stage) {
      return stage.proxy.reset() > 0
    },
  },
  {
    name: 'connections are cut in the middle',
    turn: 'network',
    repeatsJobs: true,
    weight: 2,
    lasts: [500, 1000],
    async strike(stage, lastsMs, pick) {
      const cutsBefore = stage.proxy.cuts
      stage.proxy.cutAfter(Math.floor(pick * 2000))
      await sleep(lastsMs)
      stage.proxy.heal()
      return stage.proxy.cuts > cutsBefore
    },
  },
  {
    name: 'new connections are refused',
    turn: 'network',
    repeatsJobs: true,
    weight: 1,
    lasts: [1000, 5000],
    async strike(stage, lastsMs) {
      const refusedBefore = stage.proxy.refused
      stage.proxy.refuse(true)
      stage.proxy.reset()
      await sleep(lastsMs)
      stage.proxy.heal()
      return stage.proxy.refused > refusedBefore
    },
  },
  {
    name: 'everything is slow',
    turn: 'network',
    repeatsJobs: true,
    weight: 1,
    lasts: [1000, 6000],
    async strike(stage, lastsMs, pick) {
      stage.proxy.delay(20 + pick * 1000)
      await sleep(lastsMs)
      const slowed = stage.proxy.connections > 0
      stage.proxy.heal()
      return slowed
    },
  },
  ...(
    [
      ['a read', readMark],
      ['a settlement', statementMarks.settle],
      ['a heartbeat', statementMarks.extend],
      ['a send', statementMarks.send],
      ['a send with a key', statementMarks['send-idempotent']],
      ['a dead letter', statementMarks['dead-letter']],
    ] as const
  ).map(
    ([what, says]): Fault => ({
      name: `the answer to ${what} is lost`,
      turn: 'network',
      repeatsJobs: settles.has(what),
      weight: 1,
      lasts: [1000, 2000],
      async strike(stage, lastsMs) {
        // Some statements are rare. One that waited for longer than this fault would strike as if it were another.
        const dropped = stage.proxy.dropReply(says)
        await Promise.all([sleep(lastsMs), Promise.race([dropped, sleep(8000)])])
        // Resolves with false where there was none.
        stage.proxy.heal()
        return dropped
      },
    }),
  ),
  {
    name: 'Realtime drops its sockets',
    turn: 'realtime',
    repeatsJobs: false,
    weight: 2,
    lasts: [0, 3000],
    async strike(stage, lastsMs, pick) {
      const { sockets } = stage.realtime.hooks.counts()
      stage.realtime.hooks.refuseUpgrades(503)
      stage.realtime.hooks.dropConnections(pick > 0.5 ? 1012 : undefined)
      await sleep(lastsMs)
      stage.realtime.hooks.refuseUpgrades(undefined)
      return sockets > 0
    },
  },
  {
    name: 'Realtime closes the channel',
    turn: 'realtime',
    repeatsJobs: false,
    weight: 2,
    lasts: [0, 0],
    async strike(stage, _lastsMs, pick) {
      const bites = joined(stage)
      if (pick > 0.5) stage.realtime.hooks.closeChannel(topic)
      else stage.realtime.hooks.errorChannel(topic)
      return bites
    },
  },
  {
    name: 'Realtime passes nothing on',
    turn: 'realtime',
    repeatsJobs: false,
    weight: 2,
    lasts: [2000, 8000],
    async strike(stage, lastsMs) {
      const rowsBefore = stage.realtime.hooks.counts().rows
      stage.realtime.hooks.swallow(true)
      await sleep(lastsMs)
      stage.realtime.hooks.swallow(false)
      return stage.realtime.hooks.counts().rows > rowsBefore
    },
  },
  {
    name: 'Realtime freezes',
    turn: 'realtime',
    repeatsJobs: false,
    weight: 1,
    lasts: [1000, 6000],
    async strike(stage, lastsMs) {
      const { sockets } = stage.realtime.hooks.counts()
      stage.realtime.hooks.freeze()
      await sleep(lastsMs)
      stage.realtime.hooks.thaw()
      return sockets > 0
    },
  },
  {
    name: 'hints are forged',
    turn: 'database',
    repeatsJobs: false,
    weight: 1,
    lasts: [1000, 4000],
    async strike(stage, lastsMs, pick) {
      const until = performance.now() + lastsMs
      let forged = 0
      while (performance.now() < until) {
        const told = await wish(
          stage,
          `select count(pg_notify('aimq:jobs', '{"queue":"${queueOf(pick)}","count":' || n || '}')) from generate_series(1, 200) as n`,
        )
        forged += told ?? 0
        await sleep(50)
      }
      return forged > 0
    },
  },
  {
    name: 'the database takes no writes',
    turn: 'server',
    repeatsJobs: true,
    weight: 1,
    lasts: [1000, 5000],
    async strike(stage, lastsMs) {
      const all = `alter system set default_transaction_read_only`
      await wish(stage, `${all} = on`)
      const reloaded = await wish(stage, 'select pg_reload_conf()')
      await sleep(lastsMs)
      await writable(stage)
      return reloaded !== undefined
    },
  },
  {
    name: 'there is no connection to be had',
    turn: 'server',
    repeatsJobs: true,
    weight: 1,
    lasts: [1000, 4000],
    async strike(stage, lastsMs) {
      const clients = Array.from({ length: 70 }, () => new pg.Client({ connectionString: stage.server.url }))
      for (const client of clients) client.on('error', () => {})
      const connected = await Promise.all(clients.map((client) => succeeds(client.connect())))
      await sleep(lastsMs)
      await Promise.all(clients.map((client) => client.end().catch(() => {})))
      return connected.includes(true) && connected.includes(false)
    },
  },
  {
    name: 'a table is locked',
    turn: 'database',
    repeatsJobs: true,
    weight: 1,
    lasts: [1000, 5000],
    async strike(stage, lastsMs, pick) {
      const client = new pg.Client({ connectionString: stage.server.url })
      client.on('error', () => {})
      const lock = `begin; lock table pgmq.q_${queueOf(pick)} in access exclusive mode`
      const locked = await succeeds(client.connect().then(() => client.query(lock)))
      await sleep(lastsMs)
      await client.end().catch(() => {})
      return locked
    },
  },
  {
    name: 'there is no room in the archive',
    turn: 'database',
    repeatsJobs: true,
    weight: 1,
    lasts: [1000, 4000],
    async strike(stage, lastsMs, pick) {
      const table = `pgmq.a_${queueOf(pick)}`
      const full = await wish(stage, `alter table ${table} add constraint no_room check (false) not valid`)
      await sleep(lastsMs)
      await insist(stage, `alter table ${table} drop constraint if exists no_room`)
      return full !== undefined
    },
  },
]

/** What has to be undone is undone, however often the database is away meanwhile. */
async function insist(stage: Stage, text: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await succeeds(stage.server.query(text))) return
    await sleep(200)
  }
  throw new Error(`expected the database to take this in the end: ${text}`)
}

/** Ends the read-only time. A session that is read-only by default may still change that setting. */
export async function writable(stage: Stage): Promise<void> {
  await insist(stage, 'alter system reset default_transaction_read_only')
  await insist(stage, 'select pg_reload_conf()')
}
