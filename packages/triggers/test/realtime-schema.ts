import type { TestDatabase } from './database.ts'

/**
 * As much of Supabase's schema `realtime` as triggers touch: a partitioned table of messages with row security, and
 * `send`, which turns every error of its own into a warning.
 */
export async function createRealtime(database: TestDatabase): Promise<void> {
  await database.query(`
    do $$ begin create role authenticated nologin; exception when duplicate_object or unique_violation then null; end $$;
    create schema realtime;
    create table realtime.messages (
      topic text not null, extension text not null, payload jsonb, event text, private boolean default false,
      inserted_at timestamp not null default now(), id uuid not null default gen_random_uuid(), primary key (id, inserted_at)
    ) partition by range (inserted_at);
    create table realtime.messages_today partition of realtime.messages for values from ('2000-01-01') to ('2200-01-01');
    alter table realtime.messages enable row level security;
    create function realtime.topic() returns text language sql stable as $$ select nullif(current_setting('realtime.topic', true), '') $$;
    create function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void
    language plpgsql as $$
    begin
      perform set_config('realtime.topic', topic, true);
      insert into realtime.messages (payload, event, topic, private, extension) values (payload, event, topic, private, 'broadcast');
    exception when others then
      raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
    end $$;`)
}

/** What was broadcast, oldest first. */
export async function broadcasts(
  database: TestDatabase,
): Promise<{ topic: string; event: string; private: boolean; payload: Record<string, unknown> }[]> {
  return database.query('select topic, event, private, payload from realtime.messages order by inserted_at')
}
