import type { Clock, RequestInput, RequestOutput } from '@aimq/events'
import { listenersWanted } from './apply.ts'
import { blockParts } from './block.ts'
import { ownedCore } from './core.ts'
import { pythonFunction } from './foreign-python.ts'
import type { QueueTriggerSettings } from './options.ts'
import { wantedFor } from './plan.ts'
import { assertCovered, policyNote, receivePolicy } from './policy.ts'
import { triggerNameOf } from './queue-trigger.ts'
import { sharedRemains } from './remains.ts'
import { lastHintOf, ownedThrottle } from './throttle.ts'
import type { Wanted } from './wanted.ts'

type Wish = RequestInput<'triggers:migration'>

/** What `install` or `remove` would do, as one SQL file that may be run any number of times. */
export function migrationFor(
  wish: Wish,
  settings: QueueTriggerSettings,
  clock: Clock,
): RequestOutput<'triggers:migration'> {
  const what = `${wish.remove === true ? 'remove' : 'notify'}_${wish.queues.length === 1 ? wish.queues[0] : `${wish.queues.length}_queues`}`
  const name = `aimq_${what}.sql`
  return {
    fileName: wish.naming === 'plain' ? name : `${timestamp(clock)}_${name}`,
    sql: wish.remove === true ? removal(wish.queues) : installation(wish, settings),
  }
}

/** `20261123171825`, in UTC, as the Supabase CLI names migrations. */
export function timestamp(clock: Clock): string {
  return new Date(clock.now()).toISOString().replaceAll(/\D/g, '').slice(0, 14)
}

function installation(wish: Wish, settings: QueueTriggerSettings): string {
  if (wish.policy === true) assertCovered(settings.channel)
  const queues = [...new Set(wish.queues)]
  const statements = [
    ...queues.map(requireQueue),
    ...queues.map((queue) => (wish.replaceForeign === true ? dropForeign(queue) : refuseForeign(queue))),
    ...wantedFor(queues.map((queue) => ({ queue, settings }))).map(onlyWhereNeeded),
    `${listenersWanted(settings.channel).replace(/^select/, 'perform')};`,
  ]
  const main = block(
    `Triggers of AIMQ: whatever is sent to ${listed(queues)} wakes workers at once. Safe to run again.`,
    statements,
  )
  if (wish.policy !== true) return main
  return `${main}\n${block('Apart, because it locks a table that all of Realtime uses.', [onlyWhereNeeded(receivePolicy())])}`
}

function removal(queues: readonly string[]): string {
  const noLedger = `not ${isThere('aimq', 'migration')}`
  const drops = [...ownedCore(), ...ownedThrottle()]
    .toReversed()
    .map(({ object, dropSql }) =>
      object.startsWith('entry ') ? onlyWhereNeeded({ object, sql: dropSql, unless: noLedger }) : dropSql,
    )
  const anyLeft = `exists (
  select from pg_catalog.pg_trigger as t
  join pg_catalog.pg_proc as f on f.oid = t.tgfoid
  join pg_catalog.pg_namespace as n on n.oid = f.pronamespace
  where n.nspname = 'aimq' and f.proname = 'notify_job_enqueued'
)`
  const main = block(
    `Without the triggers of AIMQ on ${listed(queues)}: back to polling. Safe to run again.`,
    [
      ...queues.map(dropTrigger),
      `if exists (select from pg_catalog.pg_namespace where nspname = 'aimq') and not ${anyLeft} then
${indented([...drops, sharedRemains.dropSql].join('\n'))}
end if;`,
    ],
  )
  // In a condition of its own: where the ledger has gone, the inner one cannot be read.
  return `${main}\n${block('With the last trigger the policy goes, too, if it is ours.', [
    `if ${isThere('aimq', 'migration')} then
  if not ${anyLeft} and ${policyNote.unless} then
${indented(indented([receivePolicy().dropSql, sharedRemains.dropSql].join('\n')))}
  end if;
end if;`,
  ])}`
}

function dropTrigger(queue: string): string {
  return `if ${isThere('pgmq', `q_${queue}`)} then
  ${blockParts().left}
  drop trigger if exists ${triggerNameOf(queue)} on pgmq.q_${queue};
end if;
if ${isThere('aimq', 'last_hint')} then
  ${lastHintOf(queue).dropSql}
end if;`
}

/** One block, which is one transaction however it is run, and which stalls nobody who sends. */
function block(title: string, statements: readonly string[]): string {
  const parts = blockParts()
  return `-- ${title}
do $aimq$
declare
${indented(parts.declare)}
  other record;
begin
${indented(parts.try)}
${indented(indented(indented(statements.join('\n'))))}
${indented(parts.retry)}
end
$aimq$;
`
}

function onlyWhereNeeded({ object, sql, unless }: Pick<Wanted, 'object' | 'sql' | 'unless'>): string {
  const patient = object.startsWith('trigger ') ? `${blockParts().left}\n${sql}` : sql
  return unless === undefined ? patient : `if not ${unless} then\n${indented(patient)}\nend if;`
}

function requireQueue(queue: string): string {
  return `if not exists (
  select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where n.nspname = 'pgmq' and c.relname = 'q_${queue}' and c.relpersistence <> 'u'
) then
  raise exception 'aimq: expected a logged queue "${queue}", and there is none; create it first: select pgmq.create(''${queue}'')';
end if;`
}

/** Asked of the catalogue itself: to_regclass answers from a cache that may be older than the lock. */
function isThere(schema: string, table: string): string {
  return `exists (select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace where n.nspname = '${schema}' and c.relname = '${table}')`
}

/** The condition that somebody else's trigger has the name of ours. */
function foreign(queue: string): string {
  return `exists (
  select from pg_catalog.pg_trigger as t
  join pg_catalog.pg_proc as f on f.oid = t.tgfoid
  join pg_catalog.pg_namespace as n on n.oid = f.pronamespace
  where t.tgrelid = 'pgmq.q_${queue}'::regclass and t.tgname = '${triggerNameOf(queue)}'
    and (n.nspname, f.proname) <> ('aimq', 'notify_job_enqueued')
)`
}

function refuseForeign(queue: string): string {
  return `if ${foreign(queue)} then
  raise exception 'aimq: trigger ${triggerNameOf(queue)} on pgmq.q_${queue} is not ours; generate this migration with replaceForeign to replace it';
end if;`
}

/** Those that `install` replaces: the Python project's under any name, whatever has the name of ours, and pgmq's. */
function dropForeign(queue: string): string {
  return `for other in
  select t.tgname as name
  from pg_catalog.pg_trigger as t
  join pg_catalog.pg_proc as f on f.oid = t.tgfoid
  join pg_catalog.pg_namespace as n on n.oid = f.pronamespace
  where t.tgrelid = 'pgmq.q_${queue}'::regclass and not t.tgisinternal
    and (n.nspname, f.proname) <> ('aimq', 'notify_job_enqueued')
    and (f.proname = '${pythonFunction}' or t.tgname = '${triggerNameOf(queue)}')
loop
  ${blockParts().left}
  execute format('drop trigger %I on pgmq.q_${queue}', other.name);
end loop;
if exists (
  select from pg_catalog.pg_trigger
  where tgrelid = 'pgmq.q_${queue}'::regclass and tgname = 'trigger_notify_queue_insert_listeners'
) then
  perform pgmq.disable_notify_insert('${queue}');
end if;`
}

function listed(queues: readonly string[]): string {
  return queues.map((queue) => `queue "${queue}"`).join(', ')
}

function indented(text: string): string {
  // The bodies of functions stay as they are: they are compared letter by letter.
  let inBody = false
  return text
    .split('\n')
    .map((line) => {
      const shown = inBody || line === '' ? line : `  ${line}`
      if ((line.match(/\$function\$/g)?.length ?? 0) % 2 === 1) inBody = !inBody
      return shown
    })
    .join('\n')
}
