import { createBus, silentLogger } from '@aimq/events'
import { queue } from '@aimq/queue'
import { worker } from '@aimq/worker'
import pg from 'pg'
import { expect, it } from 'vitest'
import { createDatabase } from '../../../integration/harness/database.ts'

const deadRows = Number(process.env.DEAD_ROWS ?? 30_000)

it(`row 48: a snapshot held open over ${deadRows} dead rows slows the queue down to no less than a quarter, and it recovers`, async () => {
  await using database = await createDatabase()
  await using bus = createBus({ logger: silentLogger })
  await bus.use(queue({ connectionString: database.url }))
  await bus.request('queue:create', { queue: 'churned' })
  const service = await bus.use(worker({ handlers: { churned: () => {} } }))
  /** Jobs a second, from sent to done. */
  const throughput = async (jobs: number): Promise<number> => {
    const before = performance.now()
    for (let sent = 0; sent < jobs; sent += 5000) {
      const messages = Array.from({ length: Math.min(5000, jobs - sent) }, (_, n) => ({ payload: n }))
      await bus.request('queue:send', { queue: 'churned', messages })
    }
    await bus.request('worker:drain', {})
    return jobs / ((performance.now() - before) / 1000)
  }
  await throughput(5000)
  const baseline = await throughput(5000)
  const holder = new pg.Client({ connectionString: database.url })
  await holder.connect()
  await holder.query('begin isolation level repeatable read; select count(*) from pgmq.q_churned')
  await throughput(deadRows)
  const held = await throughput(5000)
  await holder.query('commit')
  await holder.end()
  await database.query('vacuum pgmq.q_churned')
  const recovered = await throughput(5000)
  await service.stop()
  console.log(
    `jobs/s: ${Math.round(baseline)} before, ${Math.round(held)} over dead rows, ${Math.round(recovered)} after`,
  )
  expect(held).toBeGreaterThan(baseline / 4)
  expect(recovered).toBeGreaterThan(baseline / 4)
}, 240_000)
