import { createQueueClient } from '@aimq/queue'
import { createTriggersClient } from '@aimq/triggers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../integration/harness/database.ts'
import { randoms } from '../../harness/randoms.ts'
import { startTcpProxy } from '../../harness/tcp-proxy.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
  await database.query(`select pgmq.create('half')`)
})
afterAll(() => database[Symbol.asyncDispose]())

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

/** Everything in the database that an installation may have made. */
async function catalogue(): Promise<string> {
  const { rows } = await database.query(`
    select 'function ' || p.oid::regprocedure as object from pg_proc p join pg_namespace n on n.oid = pronamespace where nspname = 'aimq'
    union all select 'relation ' || c.oid::regclass from pg_class c join pg_namespace n on n.oid = relnamespace where nspname = 'aimq'
    union all select 'trigger ' || tgname from pg_trigger where not tgisinternal
    union all select 'schema aimq' from pg_namespace where nspname = 'aimq'
    order by 1`)
  return rows.map(({ object }) => object).join('\n')
}

it(`row 43: an installation that is cut anywhere is there as a whole or not at all (SEED=${seed})`, async () => {
  const random = randoms(seed)
  await using proxy = await startTcpProxy(database.url)
  const open = () => ({
    client: createQueueClient({ connectionString: proxy.url, maxConnections: 1 }),
    triggers: createTriggersClient({ connectionString: proxy.url }),
  })
  const install = async ({ client, triggers }: ReturnType<typeof open>, cut: boolean) => {
    for (const step of [() => client.install(), () => triggers.install({ queues: ['half'] })]) {
      const running = step().then(
        () => true,
        () => false,
      )
      if (cut) {
        await new Promise((resolve) => setTimeout(resolve, random() * 60))
        proxy.reset()
      }
      await running
    }
    await client.close()
  }
  await install(open(), false)
  const whole = await catalogue()
  expect(whole).toContain('trigger ')
  const wholes = new Set<string>()
  for (let round = 0; round < 25; round++) {
    await using fresh = createQueueClient({ connectionString: database.url })
    await createTriggersClient({ connectionString: database.url }).remove()
    await fresh.uninstall()
    expect(await catalogue()).toBe('')
    await install(open(), true)
    const found = await catalogue()
    wholes.add(found)
    // Once more, in peace: nothing that a cut left stands in the way.
    await install(open(), false)
    expect(await catalogue()).toBe(whole)
  }
  // Nothing; the keys alone; the triggers alone; all of it. Whatever else there were would be a half.
  expect(wholes.size).toBeLessThanOrEqual(4)
})
