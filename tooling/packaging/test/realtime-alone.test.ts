/*
 * A ten-line program in a folder where only `@aimq/realtime` was installed: it is woken by whoever broadcasts, with
 * whatever client. No worker, no queue client, nothing of ours on the other side.
 */
import { type LocalRealtime, startRealtime } from '@aimq/embedded'
import { RealtimeClient } from '@supabase/realtime-js'
import pg from 'pg'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { createDatabase, type TestDatabase } from '../../integration/harness/database.ts'
import { type Program, startProgram } from '../harness/program.ts'
import { createProject, type Project } from '../harness/project.ts'

let project: Project
let database: TestDatabase
let server: LocalRealtime
beforeAll(async () => {
  database = await createDatabase()
  server = await startRealtime({ connectionString: database.url })
  // What the documentation asks for where the key is not a secret one: who may receive, and who may send.
  await database.query(`
    create policy aimq_receive on realtime.messages for select to anon using (realtime.topic() = 'aimq:jobs');
    create policy aimq_send on realtime.messages for insert to anon with check (realtime.topic() = 'aimq:jobs')`)
  project = await createProject()
  await project.install('@aimq/realtime')
  await project.install('--save-dev', '@types/node')
  await project.copyProgram('wait-for-a-hint.ts')
})
afterAll(async () => {
  await project[Symbol.asyncDispose]()
  await server.stop()
  await database[Symbol.asyncDispose]()
})

it('the program type-checks', () => project.typecheck('wait-for-a-hint.ts'))

it.each([
  ['pg_notify', `select pg_notify('aimq:jobs', '{"queue": "emails"}')`],
  ['NOTIFY', `notify "aimq:jobs", '{"queue": "emails"}'`],
])('is woken by a plain %s', async (_what, statement) => {
  const program = start({ listen: database.url })
  await program.printed('healthy')
  const client = new pg.Client(database.url)
  await client.connect()
  await client.query(statement)
  await client.end()
  expect(await program.ended()).toContain('look at emails, says listen\n')
})

it.each([
  ['a private channel, with a secret key', true, 'serviceRoleKey'],
  ['a private channel, with the public key and policies', true, 'anonKey'],
  ['a public channel', false, 'anonKey'],
] as const)('is woken by a plain realtime-js client on %s', async (_what, isPrivate, key) => {
  const program = start({ supabase: { url: server.url, key: server[key], private: isPrivate } })
  await program.printed('healthy')
  await broadcast(isPrivate, server[key])
  expect(await program.ended()).toContain('look at emails, says supabase\n')
})

function start(options: object): Program {
  const program = startProgram(project.folder, ['wait-for-a-hint.ts', JSON.stringify(options)])
  onTestFinished(() => program[Symbol.asyncDispose]())
  return program
}

/** As the documentation of Supabase has it. */
async function broadcast(isPrivate: boolean, apikey: string): Promise<void> {
  const client = new RealtimeClient(server.url, { params: { apikey } })
  await client.setAuth(apikey)
  const channel = client.channel('aimq:jobs', { config: { private: isPrivate, broadcast: { ack: true } } })
  await new Promise<void>((resolve, reject) => {
    channel.subscribe((status, error) =>
      status === 'SUBSCRIBED' ? resolve() : reject(error ?? new Error(status)),
    )
  })
  expect(await channel.send({ type: 'broadcast', event: 'job_enqueued', payload: { queue: 'emails' } })).toBe(
    'ok',
  )
  await client.removeAllChannels()
  await client.disconnect()
}
