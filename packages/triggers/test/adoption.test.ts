import { afterEach, beforeEach, expect, it } from 'vitest'
import { createTriggersClient, type TriggersClient } from '../src/index.ts'
import { createDatabase, failureOf, notificationsOf, type TestDatabase } from './database.ts'
import { createRealtime } from './realtime-schema.ts'
import { supabaseRoles } from './roles-setup.ts'

let database: TestDatabase
let triggers: TriggersClient

beforeEach(async () => {
  database = await createDatabase()
  triggers = createTriggersClient({ connectionString: database.url })
})

afterEach(() => database[Symbol.asyncDispose]())

const send = (queue: string) => () => database.query('select pgmq.send($1, $2::jsonb)', [queue, '{}'])

/** As the Python project's migration makes them, one trigger for each queue. */
async function pythonTriggers(queue: string, channel: string): Promise<void> {
  await database.query(`
    create schema if not exists aimq;
    create or replace function aimq.pgmq_notify_job_enqueued() returns trigger language plpgsql security definer
    set search_path = 'realtime, pg_catalog' as $$
    begin
      perform realtime.send(jsonb_build_object('queue', TG_ARGV[2], 'job_id', new.msg_id), TG_ARGV[1], TG_ARGV[0], false);
      return new;
    exception when others then
      raise warning 'failed: %', sqlerrm;
      return new;
    end $$;
    create trigger aimq_notify_${queue} after insert on pgmq.q_${queue} for each row
      execute function aimq.pgmq_notify_job_enqueued('${channel}', 'job_enqueued', '${queue}')`)
}

it('reports the triggers of the Python project and what is wrong with them, and replaces them on request', async () => {
  await createRealtime(database)
  await database.query(`select pgmq.create('emails'), pgmq.create('reports')`)
  await pythonTriggers('emails', 'aimq:jobs')
  await pythonTriggers('reports', 'worker-wakeup')
  const { triggers: states } = await triggers.list()
  expect(
    states.map(({ name, installed, findings }) => [name, installed, findings.map(({ problem }) => problem)]),
  ).toEqual([
    ['emails', false, ['missing', 'foreign-trigger']],
    ['reports', false, ['missing', 'foreign-trigger', 'wrong-channel']],
  ])
  expect(states[1]?.findings.map(({ message }) => message).join('\n')).toMatch(
    /every message by itself.*public topic.*"worker-wakeup"/s,
  )
  const refusal = await failureOf(triggers.install())
  expect(refusal).toMatchObject({ code: 'triggers/foreign-trigger' })
  expect(refusal.message).toContain('replaceForeign: true')
  expect((await triggers.repair({ queues: ['emails'] })).changes).toEqual([])
  const wish = { paths: ['notify', 'realtime'] as const, replaceForeign: true, always: true }
  const { changes } = await triggers.install(wish)
  expect(changes.slice(0, 2)).toMatchObject([
    { action: 'remove', object: 'trigger aimq_notify_emails on pgmq.q_emails' },
    { action: 'remove', object: 'trigger aimq_notify_reports on pgmq.q_reports' },
  ])
  expect((await triggers.list()).triggers.flatMap(({ findings }) => findings)).toEqual([])
  expect((await triggers.install(wish)).changes).toEqual([])
  await database.query(`select pgmq.send('reports', '{}')`)
  expect(await database.query('select topic, private from realtime.messages')).toEqual([
    { topic: 'aimq:jobs', private: true },
  ])
  // Its function is not ours to take away, and so the schema stays.
  await triggers.remove()
  expect(
    await database.query(`select proname from pg_proc where pronamespace = 'aimq'::regnamespace`),
  ).toEqual([{ proname: 'pgmq_notify_job_enqueued' }])
})

/** What its migration lets others call. */
async function pythonFunctions(): Promise<void> {
  await supabaseRoles(database)
  await database.query(`
    create schema pgmq_public;
    create function pgmq_public.create_queue(queue_name text, with_realtime boolean default true, channel_name text default 'worker-wakeup', event_name text default 'job_enqueued')
      returns jsonb language sql security definer as $$ select '{}'::jsonb $$;
    create function pgmq_public.enable_queue_realtime(queue_name text, channel_name text, event_name text)
      returns jsonb language sql security definer as $$ select '{}'::jsonb $$;
    create function pgmq_public.disable_queue_realtime(queue_name text)
      returns jsonb language sql security definer as $$ select '{}'::jsonb $$;
    create function pgmq_public.read(queue_name text, sleep_seconds integer, n integer)
      returns setof pgmq.message_record language sql as $$ select * from pgmq.read(queue_name, sleep_seconds, n) $$;
    create function pgmq_public.delete(queue_name text, message_id bigint) returns boolean language sql as $$ select true $$;
    create function pgmq_public.mine() returns int language sql security definer as 'select 1';
    revoke all on function pgmq_public.enable_queue_realtime, pgmq_public.delete from public;
    grant execute on function pgmq_public.enable_queue_realtime, pgmq_public.delete to authenticated`)
}

it('reports what everybody may call of the Python project, until it is revoked', async () => {
  await createRealtime(database)
  await database.query(`select pgmq.create('emails'), pgmq.create('plain')`)
  await pythonTriggers('emails', 'aimq:jobs')
  await pythonFunctions()
  const messages = async () =>
    (await triggers.list()).triggers.map(({ findings }) => findings.map(({ message }) => message).join('\n'))
  const [emails, plain] = await messages()
  expect(emails).toMatch(/every message by itself/)
  expect(emails).toMatch(/public topic/)
  expect(emails).toMatch(/search_path.*"realtime, pg_catalog".*one schema of that name/)
  expect(emails).toMatch(/pgmq_public\.read\(text,integer,integer\) by PUBLIC/)
  expect(emails).toMatch(/pgmq_public\.delete\(text,bigint\) by authenticated/)
  for (const message of [emails, plain]) {
    expect(message).toContain('pgmq_public.create_queue(text,boolean,text,text) by PUBLIC')
    expect(message).toContain('pgmq_public.enable_queue_realtime(text,text,text) by authenticated')
    expect(message).toContain('pgmq_public.disable_queue_realtime(text) by PUBLIC')
    expect(message).not.toContain('mine()')
  }
  expect(plain).not.toContain('pgmq_public.read')
  await triggers.install({ replaceForeign: true })
  const revokes = (await messages()).flatMap(
    (text) => text.match(/revoke all on function .*? from [\w, ]+/g) ?? [],
  )
  expect(revokes).toHaveLength(2)
  await database.query(revokes.join(';'))
  expect(await messages()).toEqual(['', ''])
})

it('reports a trigger of the Python project under any name, and replaces it by file as by call', async () => {
  await createRealtime(database)
  await database.query(`select pgmq.create('emails')`)
  await pythonTriggers('emails', 'aimq:jobs')
  await database.query('alter trigger aimq_notify_emails on pgmq.q_emails rename to "Wake ""them"""')
  expect((await triggers.plan({ replaceForeign: true })).changes[0]).toMatchObject({ action: 'remove' })
  await database.query((await triggers.migration({ queues: ['emails'], replaceForeign: true })).sql)
  expect((await triggers.list()).triggers[0]).toMatchObject({ installed: true, findings: [] })
})

it('reports pgmq.enable_notify_insert with its dangers, stands beside it, and replaces it on request', async () => {
  await database.query(`select pgmq.create('emails'), pgmq.enable_notify_insert('emails')`)
  expect((await triggers.list()).triggers[0]?.findings).toMatchObject([
    { problem: 'missing' },
    { problem: 'foreign-trigger', message: expect.stringMatching(/deadlock.*crash.*disable_notify_insert/s) },
  ])
  await triggers.install({ always: true })
  expect((await triggers.list()).triggers[0]).toMatchObject({
    installed: true,
    findings: [{ problem: 'foreign-trigger' }],
  })
  expect(await notificationsOf(database, send('emails'))).toHaveLength(1)
  const { changes } = await triggers.install({ always: true, replaceForeign: true })
  expect(changes).toMatchObject([
    { action: 'remove', object: 'trigger trigger_notify_queue_insert_listeners on pgmq.q_emails' },
  ])
  expect((await triggers.list()).triggers[0]?.findings).toEqual([])
  expect(await database.query('select from pgmq.list_notify_insert_throttles()')).toEqual([])
})

it('migrates them by file, too, and only when told to', async () => {
  await createRealtime(database)
  await database.query(`select pgmq.create('emails'), pgmq.enable_notify_insert('emails')`)
  await pythonTriggers('emails', 'worker-wakeup')
  const careful = await triggers.migration({ queues: ['emails'] })
  expect((await failureOf(database.query(careful.sql))).message).toContain('is not ours')
  const { sql } = await triggers.migration({ queues: ['emails'], replaceForeign: true })
  await database.query(sql)
  await database.query(sql)
  expect((await triggers.list()).triggers[0]).toMatchObject({ installed: true, findings: [] })
})

it('leaves a trigger of somebody else alone that has the name of ours, unless told otherwise', async () => {
  await database.query(`select pgmq.create('emails');
    create function mine() returns trigger language plpgsql as 'begin return null; end';
    create trigger aimq_notify_emails after insert on pgmq.q_emails execute function mine();
    create trigger audit after insert on pgmq.q_emails execute function mine()`)
  expect(await failureOf(triggers.install())).toMatchObject({ code: 'triggers/foreign-trigger' })
  await triggers.install({ replaceForeign: true })
  expect(
    await database.query(
      `select tgname from pg_trigger where tgrelid = 'pgmq.q_emails'::regclass order by 1`,
    ),
  ).toEqual([{ tgname: 'aimq_notify_emails' }, { tgname: 'audit' }])
})

it('takes away what somebody renamed, whatever it is called now', async () => {
  await database.query(`select pgmq.create('emails')`)
  await triggers.install()
  const rename = () =>
    database.query(
      `alter trigger aimq_notify_emails on pgmq.q_emails rename to "aimq_notify_""x; drop table pgmq.meta"`,
    )
  await rename()
  expect((await triggers.list()).triggers[0]?.findings).toMatchObject([{ problem: 'drifted' }])
  await triggers.repair()
  expect((await triggers.list()).triggers[0]?.findings).toEqual([])
  await rename()
  await triggers.remove()
  expect(await database.query(`select from pg_namespace where nspname = 'aimq'`)).toEqual([])
  expect(await database.query(`select queue_name from pgmq.meta`)).toEqual([{ queue_name: 'emails' }])
})

it('works with pgmq as plain SQL, without the extension', async () => {
  // What the extension brought stays, and only the extension goes.
  const session = await database.pool.connect()
  await session.query(`set allow_system_table_mods = on;
    delete from pg_depend where refclassid = 'pg_extension'::regclass and deptype = 'e'
      and refobjid = (select oid from pg_extension where extname = 'pgmq');
    drop extension pgmq; reset allow_system_table_mods`)
  session.release()
  await database.query(`select pgmq.create('emails')`)
  await triggers.install({ always: true })
  expect(await notificationsOf(database, send('emails'))).toHaveLength(1)
  expect((await triggers.list()).triggers).toMatchObject([{ name: 'emails', installed: true, findings: [] }])
})

it('tells of what is sent to a partitioned queue, by its own name', async () => {
  await database.query(
    `
    create table pgmq.q_parts (like pgmq.q_template including defaults, primary key (msg_id)) partition by range (msg_id);
  `.replace('pgmq.q_template', await plainQueue()),
  )
  await database.query(`
    create sequence pgmq.parts_ids; alter table pgmq.q_parts alter msg_id set default nextval('pgmq.parts_ids');
    create table pgmq.q_parts_p0 partition of pgmq.q_parts for values from (0) to (3);
    create table pgmq.q_parts_p3 partition of pgmq.q_parts for values from (3) to (1000);
    insert into pgmq.meta (queue_name, is_partitioned, is_unlogged) values ('parts', true, false)`)
  await triggers.install({ queues: ['parts'], always: true })
  const heard = await notificationsOf(database, () =>
    database.query(`select pgmq.send_batch('parts', array['{}', '{}', '{}', '{}', '{}']::jsonb[])`),
  )
  expect(heard.map((text) => JSON.parse(text))).toMatchObject([{ queue: 'parts', count: 5 }])
  const states = (await triggers.list()).triggers
  expect(states.find(({ name }) => name === 'parts')).toMatchObject({ installed: true, findings: [] })
  await triggers.remove()
})

async function plainQueue(): Promise<string> {
  await database.query(`select pgmq.create('template')`)
  return 'pgmq.q_template'
}

it('reports names that pgmq mixes up, and touches none of them', async () => {
  await database.query(`select pgmq.create('emails'), pgmq.create('MyQueue')`)
  await triggers.install()
  const { triggers: states } = await triggers.list()
  expect(states.find(({ name }) => name === 'MyQueue')).toMatchObject({
    installed: false,
    table: 'pgmq.q_myqueue',
    findings: [{ problem: 'unsupported', message: expect.stringContaining('"MyQueue"') }],
  })
  expect(await database.query(`select from pg_trigger where tgrelid = 'pgmq.q_myqueue'::regclass`)).toEqual(
    [],
  )
})

it('says what is missing where there is no pgmq', async () => {
  await using bare = await createDatabase('template0')
  const client = createTriggersClient({ connectionString: bare.url })
  for (const call of [client.install, client.list, client.plan]) {
    expect(await failureOf(call())).toMatchObject({ code: 'triggers/pgmq-missing' })
  }
})
