import { createBus } from '@aimq/events'
import { createQueueClient, queue } from '@aimq/queue'
import { realtime } from '@aimq/realtime'
import { deadLetter, worker } from '@aimq/worker'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type LocalSupabase, startSupabase } from '../harness/supabase.ts'
import { readPages } from '../pages.ts'

const pages = await readPages()

let supabase: LocalSupabase
let owner: pg.Client
beforeEach(async () => {
  supabase = await startSupabase()
  owner = new pg.Client({ connectionString: supabase.databaseUrl })
  await owner.connect()
})
afterEach(async () => {
  await owner.end()
  await supabase[Symbol.asyncDispose]()
})

/** The one SQL block of a page that holds `text`. */
function sqlWith(path: string, text: string): string {
  const blocks = pages.find((page) => page.path === path)?.blocks ?? []
  const [block, ...more] = blocks.filter((each) => each.language === 'sql' && each.text.includes(text))
  if (block === undefined || more.length > 0) throw new Error(`expected one block with "${text}" in ${path}`)
  return block.text
}

function urlFor(role: string): string {
  const url = new URL(supabase.databaseUrl)
  url.username = role
  url.password = 'secret'
  return url.href
}

it('the grants of start-postgres.md are enough to send and to work, archive and dead letters included', async () => {
  await owner.query(`select pgmq.create('emails'); select pgmq.create('emails_dlq')`)
  // Roles belong to the server, and another test file runs the same page.
  const [producerRole, workerRole] = ['docs_test_producer', 'docs_test_worker']
  const roles = [producerRole, workerRole]
  const grants = sqlWith('docs/start-postgres.md', 'create role emails_worker')
  await owner.query(
    grants.replaceAll('emails_producer', producerRole).replaceAll('emails_worker', workerRole),
  )
  for (const role of roles) await owner.query(`alter role ${role} login password 'secret'`)
  try {
    const producer = createQueueClient({ connectionString: urlFor(producerRole) })
    await producer.sendMany('emails', [{ payload: 'good' }, { payload: 'bad' }])
    await producer.close()
    const bus = createBus()
    await bus.use(queue({ connectionString: urlFor(workerRole) }))
    await bus.use(
      worker({
        handlers: { emails: ({ payload }) => (payload === 'bad' ? deadLetter({ reason: 'bad' }) : 'done') },
      }),
    )
    expect(await bus.request('worker:drain', {})).toEqual({ completed: 1 })
    await bus.stop()
    const { rows } = await owner.query('select message from pgmq.q_emails_dlq')
    expect(rows).toEqual([{ message: 'bad' }])
  } finally {
    for (const role of roles) await owner.query(`drop owned by ${role}; drop role ${role}`)
  }
})

it('the policy of start-supabase.md admits the worker, and no other token', async () => {
  const proof = async (claims: object) => {
    const bus = createBus({ logger: { debug() {}, info() {}, warn() {}, error() {} } })
    const settled = new Promise((resolve) => {
      bus.on('realtime:health-changed', ({ health, cause }) => resolve(cause ?? health))
    })
    const token = await supabase.sign({ role: 'authenticated', ...claims })
    const { url, anonKey: key, databaseUrl: connectionString } = supabase
    await bus.use(realtime({ supabase: { url, key, accessToken: async () => token, connectionString } }))
    const answer = await settled
    await bus.stop()
    return answer
  }
  expect(await proof({ aimq_role: 'worker' })).toMatch(/may not read the private topic/)
  await owner.query(sqlWith('docs/start-supabase.md', 'create policy'))
  expect(await proof({ aimq_role: 'worker' })).toBe('healthy')
  expect(await proof({})).toMatch(/may not read the private topic/)
})
