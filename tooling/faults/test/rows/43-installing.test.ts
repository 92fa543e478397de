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
  const clean = async () => {
    await using fresh = createQueueClient({ connectionString: database.url })
    await createTriggersClient({ connectionString: database.url }).remove()
    await fresh.uninstall()
    expect(await catalogue()).toBe('')
  }
  const open = () => ({
    client: createQueueClient({ connectionString: proxy.url, maxConnections: 1 }),
    triggers: createTriggersClient({ connectionString: proxy.url }),
  })
  type Step = (parts: ReturnType<typeof open>) => Promise<unknown>
  const keys: Step = ({ client }) => client.install()
  const triggers: Step = (parts) => parts.triggers.install({ queues: ['half'] })
  const install = async (steps: readonly Step[], cut = false) => {
    const parts = open()
    for (const step of steps) {
      const running = step(parts).then(
        () => true,
        () => false,
      )
      if (cut) {
        await new Promise((resolve) => setTimeout(resolve, random() * 60))
        proxy.reset()
      }
      await running
    }
    await parts.client.close()
  }
  // Nothing; the keys alone; the triggers alone; all of it. Whatever else there were would be a half.
  const legitimate = ['']
  for (const steps of [[keys], [triggers], [keys, triggers]]) {
    await install(steps)
    legitimate.push(await catalogue())
    await clean()
  }
  expect(new Set(legitimate).size).toBe(4)
  const whole = legitimate.at(-1)
  for (let round = 0; round < 25; round++) {
    await install([keys, triggers], true)
    expect(legitimate).toContain(await catalogue())
    // Once more, in peace: nothing that a cut left stands in the way.
    await install([keys, triggers])
    expect(await catalogue()).toBe(whole)
    await clean()
  }
})
