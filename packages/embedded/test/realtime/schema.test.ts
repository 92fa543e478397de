import { startRealtime } from '@aimq/embedded'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Bundle, execute, makeDatabase, setup } from './setup.ts'

let bundle: Bundle
beforeAll(async () => {
  bundle = await setup(inject('databaseUrl'))
})
afterAll(async () => bundle[Symbol.asyncDispose]())

test('realtime.messages has the columns of Supabase', async () => {
  const columns = await bundle.query(`
    select column_name as name, data_type as type, is_nullable = 'NO' as required, column_default as fallback
    from information_schema.columns where table_schema = 'realtime' and table_name = 'messages' order by ordinal_position`)
  const column = (name: string, type: string, required: boolean, fallback: string | null) => ({
    name,
    type,
    required,
    fallback,
  })
  expect(columns).toEqual([
    column('topic', 'text', true, null),
    column('extension', 'text', true, null),
    column('payload', 'jsonb', false, null),
    column('event', 'text', false, null),
    column('private', 'boolean', false, 'false'),
    column('updated_at', 'timestamp without time zone', true, 'now()'),
    column('inserted_at', 'timestamp without time zone', true, 'now()'),
    column('id', 'uuid', true, 'gen_random_uuid()'),
    column('binary_payload', 'bytea', false, null),
  ])
})

test('it is partitioned by day from yesterday to three days ahead, keyed, indexed and under row-level security', async () => {
  expect(
    await bundle.query(`select relkind, relrowsecurity, pg_get_partkeydef(oid) as key,
      (select pg_get_constraintdef(c.oid) from pg_constraint c where conrelid = 'realtime.messages'::regclass and contype = 'p') as primary,
      (select indexdef from pg_indexes where indexname = 'messages_inserted_at_topic_index') as index
      from pg_class where oid = 'realtime.messages'::regclass`),
  ).toEqual([
    {
      relkind: 'p',
      relrowsecurity: true,
      key: 'RANGE (inserted_at)',
      primary: 'PRIMARY KEY (id, inserted_at)',
      index: expect.stringMatching(
        /\(inserted_at DESC, topic\) WHERE \(\(extension = 'broadcast'::text\) AND \(private IS TRUE\)\)$/,
      ),
    },
  ])
  const days = [-1, 0, 1, 2, 3].map((offset) =>
    new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10),
  )
  const partitions = await bundle.query(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'realtime.messages'::regclass order by 1`,
  )
  expect(partitions.map(({ name }) => name)).toEqual(
    days.map((day) => `realtime.messages_${day.replaceAll('-', '_')}`),
  )
})

test('the functions have the signatures of Supabase, and nobody is kept from calling them', async () => {
  const functions = await bundle.query(`
    select proname as name, pg_get_function_arguments(oid) as arguments, prorettype::regtype::text as returns,
      prosecdef as definer, has_function_privilege('anon', oid, 'execute') as anon
    from pg_proc where pronamespace = 'realtime'::regnamespace order by 1`)
  const fact = (name: string, args: string, returns = 'void') => ({
    name,
    arguments: args,
    returns,
    definer: false,
    anon: true,
  })
  expect(functions).toEqual([
    fact(
      'broadcast_changes',
      `topic_name text, event_name text, operation text, table_name text, table_schema text, new record, old record, level text DEFAULT 'ROW'::text`,
    ),
    fact('send', 'payload jsonb, event text, topic text, private boolean DEFAULT true'),
    fact('send_binary', 'payload bytea, event text, topic text, private boolean DEFAULT true'),
    fact('topic', '', 'text'),
  ])
})

test('the roles exist, may use the table, and only service_role is above policies', async () => {
  const roles = await bundle.query(`
    select rolname as name, rolbypassrls as above, rolcanlogin as login,
      has_schema_privilege(oid, 'realtime', 'usage') as usage,
      has_table_privilege(oid, 'realtime.messages', 'select') and has_table_privilege(oid, 'realtime.messages', 'insert')
        and has_table_privilege(oid, 'realtime.messages', 'update') as granted,
      has_table_privilege(oid, 'realtime.messages', 'delete') as deletes
    from pg_roles where rolname in ('anon', 'authenticated', 'service_role') order by 1`)
  const role = (name: string, above: boolean) => ({
    name,
    above,
    login: false,
    usage: true,
    granted: true,
    deletes: false,
  })
  expect(roles).toEqual([role('anon', false), role('authenticated', false), role('service_role', true)])
})

/** What one statement warned of. */
async function warnings(sql: string): Promise<string[]> {
  const client = new pg.Client(bundle.connectionString)
  const said: string[] = []
  client.on('notice', ({ message = '' }) => said.push(message))
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
  return said
}

test('send puts an id into the payload unless there is one, and sets the topic', async () => {
  const [row] = await bundle.query(`
    with sent as materialized (select realtime.send('{"a": 1}', 'e', 'send') as done) select realtime.topic() as topic, done from sent`)
  expect(row).toMatchObject({ topic: 'send' })
  await bundle.query(`select realtime.send('{"id": 7}', 'own', 'send', false)`)
  expect(
    await bundle.query(`select event, private, extension, payload ->> 'id' = id::text as given, payload - 'id' as rest
      from realtime.messages where topic = 'send' order by inserted_at`),
  ).toEqual([
    { event: 'e', private: true, extension: 'broadcast', given: true, rest: { a: 1 } },
    { event: 'own', private: false, extension: 'broadcast', given: false, rest: {} },
  ])
})

test('what send cannot do is a warning and never an error, except for a role that may not use the schema', async () => {
  const count = async () =>
    (await bundle.query(`select count(*)::int as n from realtime.messages where topic = 'warned'`))[0]?.n
  for (const payload of ['[1]', '"text"', '7'])
    expect(await warnings(`select realtime.send('${payload}', 'e', 'warned')`)).toEqual([
      expect.stringMatching(/^WarnSendingBroadcastMessage: /),
    ])
  expect(await warnings(`set role anon; select realtime.send('{}', 'e', 'warned')`)).toEqual([
    'WarnSendingBroadcastMessage: new row violates row-level security policy for table "messages"',
  ])
  expect(await warnings(`set role anon; select realtime.send_binary('x', 'e', 'warned')`)).toHaveLength(1)
  expect(await count()).toBe(0)
  expect(await warnings(`select realtime.send(null, 'e', 'warned')`)).toEqual([])
  expect(await count()).toBe(1)
  const stranger = `set role pg_monitor; select realtime.send('{}', 'e', 'warned')`
  await expect(warnings(stranger)).rejects.toThrow('permission denied for schema realtime')
})

test('broadcast_changes sends what changed, and fails on what it does not know', async () => {
  await bundle.query(`
    create table public.items (id int, name text);
    create function public.told() returns trigger language plpgsql as $$ begin
      perform realtime.broadcast_changes('changes', tg_op, tg_op, tg_table_name, tg_table_schema, new, old, tg_argv[0]); return null; end $$;
    create trigger rows after insert or update or delete on public.items for each row execute function public.told('ROW');
    insert into public.items values (1, 'a'); update public.items set name = 'b'; delete from public.items;`)
  const sent = await bundle.query(
    `select event, private, payload - 'id' as payload from realtime.messages where topic = 'changes'`,
  )
  const of = (operation: string, record: object | null, old_record: object | null) => ({
    event: operation,
    private: true,
    payload: { operation, record, old_record, table: 'items', schema: 'public' },
  })
  const [a, b] = [
    { id: 1, name: 'a' },
    { id: 1, name: 'b' },
  ]
  expect(sent).toEqual([of('INSERT', a, null), of('UPDATE', b, a), of('DELETE', null, b)])
  const call = (operation: string, level: string) =>
    bundle.query(
      `select realtime.broadcast_changes('t', 'e', '${operation}', 't', 's', row(1), row(1), '${level}')`,
    )
  await expect(call('INSERT', 'STATEMENT')).rejects.toThrow('for each row')
  await expect(call('TRUNCATE', 'ROW')).rejects.toThrow('Unexpected operation type: TRUNCATE')
})

test('a schema realtime that is there is left alone, but for the partitions and the publication it needs', async () => {
  const { url, drop } = await makeDatabase(inject('databaseUrl'))
  await execute(
    url,
    `create schema realtime;
    create table realtime.messages (topic text not null, extension text not null, payload jsonb, event text,
      private boolean default false, updated_at timestamp not null default now(), inserted_at timestamp not null default now(),
      id uuid not null default gen_random_uuid(), binary_payload bytea, primary key (id, inserted_at)) partition by range (inserted_at);
    create table realtime.messages_2020_01_01 partition of realtime.messages for values from ('2020-01-01') to ('2020-01-02');
    create table public.other (id int primary key);
    create publication supabase_realtime_messages_publication for table public.other;`,
  )
  const client = new pg.Client(url)
  await client.connect()
  const look = async () =>
    (
      await client.query(
        `select count(*)::int as functions from pg_proc where pronamespace = 'realtime'::regnamespace`,
      )
    ).rows
  const realtime = await startRealtime({ connectionString: url })
  expect(await look()).toEqual([{ functions: 0 }])
  const { rows } = await client.query(`select to_regclass('realtime.messages_2020_01_01') is not null as kept,
    (select count(*)::int from pg_inherits where inhparent = 'realtime.messages'::regclass) as partitions,
    (select array_agg(schemaname || '.' || tablename) from pg_publication_tables where tablename = 'other') as others`)
  expect(rows).toEqual([{ kept: true, partitions: 6, others: null }])
  await realtime.stop()
  await client.end()
  await drop()
})

test('old partitions of a schema of ours are dropped', async () => {
  await bundle.query(
    `create table realtime.messages_2020_01_01 partition of realtime.messages for values from ('2020-01-01') to ('2020-01-02')`,
  )
  const second = await startRealtime({ connectionString: bundle.connectionString })
  await second.stop()
  expect(await bundle.query(`select to_regclass('realtime.messages_2020_01_01') as old`)).toEqual([
    { old: null },
  ])
})
