import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createQueueClient } from '@aimq/queue'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../integration/harness/database.ts'
import { eventually } from '../harness/eventually.ts'
import { ledgerNow, readLedger } from '../harness/ledger.ts'
import { explain } from '../harness/repeats.ts'
import { runsOf } from '../harness/runs.ts'
import { startWorkerProcess } from '../harness/worker-process.ts'

let database: TestDatabase
let folder: string
beforeAll(async () => {
  database = await createDatabase()
  folder = await mkdtemp(join(tmpdir(), 'aimq-crash-'))
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

async function prepare(
  queue: string,
  payloads: unknown[],
): Promise<{ ledger: string; ids: readonly string[] }> {
  await using client = createQueueClient({ connectionString: database.url })
  await client.create(queue)
  const { ids } = await client.sendMany(
    queue,
    payloads.map((payload) => ({ payload })),
  )
  const ledger = join(folder, `${queue}.ledger`)
  await writeFile(ledger, '')
  return { ledger, ids }
}

async function countOf(table: string): Promise<number> {
  return Number((await database.query(`select count(*) from pgmq.${table}`)).rows[0].count)
}

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9))

describe(`a worker killed with -9 (SEED=${seed})`, () => {
  const leaseMs = 2000

  it.each([1, 2, 3])(
    'loses nothing, and a peer works what it had in hand within one lease + 1 s (round %i)',
    async (round) => {
      const queue = `killed_${round}`
      const { ledger } = await prepare(queue, [])
      const settings = { url: database.url, queue, ledger, leaseMs, jobMs: 150, concurrency: 5 }
      await using victim = await startWorkerProcess(settings)
      await using _peer = await startWorkerProcess(settings)
      await using client = createQueueClient({ connectionString: database.url })
      // More than both can work, until the kill: whenever that comes, the victim has its hands full.
      const ids: string[] = []
      let killed = false
      const sending = (async () => {
        while (!killed) {
          ids.push(...(await client.sendMany(queue, Array(10).fill({ payload: {} }))).ids)
          await sleep(100)
        }
      })()
      // At a random phase of its work: after so many of its starts, and a little more.
      const phase = (seed * round) % 7
      await eventually(
        () => readLedger(ledger).filter(({ pid }) => pid === victim.pid).length > 5 + phase,
        'the victim works',
      )
      await sleep((seed * round * 31) % 150)
      const killedAt = ledgerNow()
      victim.kill('SIGKILL')
      await victim.exited
      const kill = { name: 'kill -9', from: killedAt, to: ledgerNow(), pid: victim.pid }
      killed = true
      await sending
      await eventually(async () => (await countOf(`q_${queue}`)) === 0, 'the queue is empty')

      const lines = readLedger(ledger)
      const done = new Set(lines.filter(({ what }) => what === 'done').map(({ id }) => id))
      expect([...done].sort()).toEqual([...ids].sort())
      expect(await countOf(`a_${queue}`)).toBe(ids.length)

      const byVictim = lines.filter(({ pid }) => pid === victim.pid)
      const stranded = byVictim.filter(
        ({ what, id }) =>
          what === 'start' && !byVictim.some((line) => line.what === 'done' && line.id === id),
      )
      expect(stranded.length).toBeGreaterThan(0)
      for (const { id } of stranded) {
        const again = lines.find((line) => line.what === 'start' && line.id === id && line.pid !== victim.pid)
        expect((again?.at ?? Number.POSITIVE_INFINITY) - killedAt).toBeLessThanOrEqual(leaseMs + 1000)
      }
      // Run twice only what the victim had in hand when it died: five jobs that ran, and what was done and not settled.
      expect(stranded.length).toBeLessThanOrEqual(settings.concurrency)
      const { explanations, unexplained } = explain(runsOf(lines), [kill])
      expect(unexplained).toEqual([])
      for (const { repeats, inHand } of explanations) expect(repeats).toBeLessThanOrEqual(inHand)
      const again = lines.filter(
        ({ what, id }, n) =>
          what === 'start' && lines.slice(0, n).some((line) => line.what === 'start' && line.id === id),
      )
      const repeats = explanations.reduce((sum, explanation) => sum + explanation.repeats, 0)
      expect(again).toHaveLength(stranded.length + repeats)
    },
  )

  it('between the end of its handler and the settlement repeats that job once, and only it', async () => {
    const { ledger, ids } = await prepare('unsettled', [{ n: 1 }])
    const settings = { url: database.url, queue: 'unsettled', ledger, leaseMs: 1000 }
    await using victim = await startWorkerProcess({ ...settings, die: 'after-done' })
    await victim.exited
    await using _peer = await startWorkerProcess(settings)
    await eventually(async () => (await countOf('a_unsettled')) === 1, 'the job is settled')
    const done = readLedger(ledger).filter(({ what }) => what === 'done')
    expect(done.map(({ id }) => id)).toEqual([ids[0], ids[0]])
  })

  it('by its own poison job ends in the dead-letter queue after its crash budget, and innocents are all done', async () => {
    const innocents = Array.from({ length: 12 }, (_, n) => ({ n }))
    const { ledger, ids } = await prepare('poisoned', [{ poison: true }, ...innocents])
    const settings = {
      url: database.url,
      queue: 'poisoned',
      ledger,
      leaseMs: 1000,
      jobMs: 50,
      concurrency: 4,
    }
    let crashes = 0
    for (;;) {
      await using worker = await startWorkerProcess(settings)
      const empty = eventually(async () => (await countOf('q_poisoned')) === 0, 'the queue is empty').then(
        () => 'empty' as const,
      )
      if ((await Promise.race([worker.exited.then(() => 'crashed' as const), empty])) === 'empty') break
      crashes++
      empty.catch(() => {})
    }
    expect(crashes).toBeLessThanOrEqual(4)
    const dead = await database.query(
      `select headers -> 'x-aimq-dead-letter' ->> 'id' as id, headers -> 'x-aimq-dead-letter' ->> 'reason' as reason from pgmq.q_poisoned_dlq`,
    )
    expect(dead.rows).toEqual([{ id: ids[0], reason: 'out-of-crashes' }])
    const done = new Set(
      readLedger(ledger)
        .filter(({ what }) => what === 'done')
        .map(({ id }) => id),
    )
    expect([...done].sort()).toEqual(ids.slice(1).sort())
  })
})

describe('a handler that blocks the event loop for several leases', () => {
  // One that ends with the block is gone before a timer can see it: its queue is named, and its failure sent.
  it.each([
    ['ends', 0, () => 'a handler that has just ended'],
    ['goes on', 500, (id: string) => `one of the jobs ${id}`],
  ])(
    'is warned of by name; a peer works the job; its own late failure changes nothing (then it %s)',
    async (then, ms, name) => {
      const leaseMs = 3000
      const queue = `blocked_${then.replace(' ', '_')}`
      const { ledger, ids } = await prepare(queue, [{ n: 1 }])
      const id = String(ids[0])
      const settings = { url: database.url, queue, ledger, leaseMs }
      await using blocked = await startWorkerProcess({ ...settings, blockMs: 2 * leaseMs, jobMs: ms })
      await eventually(() => readLedger(ledger).length === 1, 'the job has started')
      // Longer than the block: the late failure finds the peer's lease, and not a job that is done.
      await using peer = await startWorkerProcess({ ...settings, jobMs: 3 * leaseMs })
      await eventually(() => blocked.stderr().includes('event loop was blocked'), 'the warning')
      expect(blocked.stderr()).toMatch(
        new RegExp(`event loop was blocked for \\d+ ms, probably by ${name(id)} \\(queue "${queue}"\\)`),
      )
      // Answered by a loop that goes round again, and has sent what it had to say.
      await blocked.health()
      await sleep(ms + 500)
      const held = await database.query(
        `select read_ct, vt > clock_timestamp() as leased from pgmq.q_${queue}`,
      )
      expect(held.rows).toEqual([{ read_ct: 2, leased: true }])
      await eventually(async () => (await countOf(`a_${queue}`)) === 1, 'the peer has done it')
      const starts = readLedger(ledger).filter(({ what }) => what === 'start')
      expect(starts.map(({ id, pid }) => [id, pid])).toEqual([
        [id, blocked.pid],
        [id, peer.pid],
      ])
      expect((await database.query(`select headers from pgmq.a_${queue}`)).rows).toEqual([{ headers: null }])
    },
  )
})

describe('a worker told to stop', () => {
  it('hands its jobs back at once, attempt not spent', async () => {
    const { ledger, ids } = await prepare('stopped', [{ n: 1 }])
    const gracePeriodMs = 200
    // The lease is long: only a release explains that the job starts again soon.
    const settings = {
      url: database.url,
      queue: 'stopped',
      ledger,
      leaseMs: 60_000,
      gracePeriodMs,
      realtime: { listen: database.url },
    }
    await using first = await startWorkerProcess({ ...settings, jobMs: 30_000 })
    await eventually(() => readLedger(ledger).length === 1, 'the job has started')
    await using peer = await startWorkerProcess(settings)
    await eventually(async () => (await peer.health()).wakeupsProven, 'wake-ups are proven')
    const toldAt = ledgerNow()
    first.kill('SIGTERM')
    expect(await first.exited).toEqual([0, null])
    expect(ledgerNow() - toldAt).toBeLessThan(gracePeriodMs + 1000)
    await eventually(async () => (await countOf('a_stopped')) === 1, 'the peer has done it', 10_000)
    const archived = await database.query('select msg_id, read_ct, headers from pgmq.a_stopped')
    expect(archived.rows).toEqual([{ msg_id: ids[0], read_ct: 2, headers: { 'x-aimq-releases': 1 } }])
    const again = readLedger(ledger).find(({ what, pid }) => what === 'start' && pid === peer.pid)
    expect(again?.waitedMs).toBeLessThanOrEqual(1000)
  })
})
