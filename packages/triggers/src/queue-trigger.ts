import type { TriggerPath } from '@aimq/events'
import type { Catalogue, FoundTrigger } from './catalogue.ts'
import { judgeFiring, madeToFire } from './firing.ts'
import type { QueueTriggerSettings } from './options.ts'
import { identifier, literal } from './sql.ts'
import type { Judgement, Owned } from './wanted.ts'

/** The version of the trigger's arguments and definition; the function has one of its own. */
export const triggerVersion = 1

export function triggerNameOf(queue: string): string {
  return `aimq_notify_${queue}`
}

/** The trigger of one queue. `queue` is a checked name. */
export function queueTrigger(queue: string, settings: QueueTriggerSettings): Owned {
  const name = triggerNameOf(queue)
  const table = `pgmq.q_${queue}`
  const definition = definitionOf(queue, argumentsOf(queue, settings))
  const sql = createSql(definition)
  const ours = (found: Catalogue) => found.triggers.filter((other) => isOn(other, queue) && isOurs(other))
  return {
    object: `trigger ${name} on ${table}`,
    sql,
    unless: `exists (select from pg_catalog.pg_trigger as t where t.tgrelid = '${table}'::regclass and t.tgname = '${name}' and t.tgenabled in ('O', 'A') and pg_catalog.pg_get_triggerdef(t.oid) = ${literal(definition)})`,
    dropSql: `drop trigger if exists ${name} on ${table};`,
    isThere: (found) => ours(found).length > 0,
    judge(found) {
      const second = ours(found).filter((trigger) => trigger.name !== name)
      const judgement =
        second.length > 0
          ? renamed(second, queue, sql)
          : judge(ours(found)[0], queue, definition, settings, found)
      if (judgement?.action === undefined || judgement.action === 'enable') return judgement
      return { ...judgement, sql: madeToFire(found, judgement.sql ?? sql, table, name) }
    },
  }
}

/** Exactly as PostgreSQL writes it, so that the two can be compared. */
function definitionOf(queue: string, args: readonly string[]): string {
  return `CREATE TRIGGER ${triggerNameOf(queue)} AFTER INSERT ON pgmq.q_${queue} REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION aimq.notify_job_enqueued(${args.map(literal).join(', ')})`
}

function createSql(definition: string): string {
  return `${definition.replace('CREATE TRIGGER', 'create or replace trigger')};`
}

function argumentsOf(queue: string, settings: QueueTriggerSettings): readonly string[] {
  const { paths, channel, always, throttleMs } = settings
  return [
    String(triggerVersion),
    queue,
    channel,
    paths.includes('notify') ? (always ? 'always' : 'asleep') : 'off',
    paths.includes('realtime') ? (settings.private ? 'private' : 'public') : 'off',
    String(throttleMs),
  ]
}

/** What {@link argumentsOf} was given, or undefined when nobody of us wrote these. */
export function settingsOf(args: readonly string[]): QueueTriggerSettings | undefined {
  const [version, , channel, notify, realtime, throttle] = args
  if (version !== '1' || args.length !== 6 || channel === undefined) return undefined
  if (!['off', 'asleep', 'always'].includes(notify ?? '')) return undefined
  if (!['off', 'private', 'public'].includes(realtime ?? '')) return undefined
  if (!/^\d{1,5}$/.test(throttle ?? '')) return undefined
  const paths: TriggerPath[] = []
  if (notify !== 'off') paths.push('notify')
  if (realtime !== 'off') paths.push('realtime')
  if (paths.length === 0) return undefined
  return {
    paths,
    channel,
    private: realtime !== 'public',
    always: notify === 'always',
    throttleMs: Number(throttle),
  }
}

export function isOn(trigger: FoundTrigger, queue: string): boolean {
  return trigger.schema === 'pgmq' && trigger.table === `q_${queue}`
}

/** Made by any version of us, whatever became of it. */
export function isOurs(trigger: FoundTrigger): boolean {
  const { schema, name } = trigger.function
  return schema === 'aimq' && name === 'notify_job_enqueued' && trigger.name.startsWith('aimq_notify_')
}

/** Our trigger on this queue; of several the one that has its name. */
export function ourTriggerOn(found: Catalogue, queue: string): FoundTrigger | undefined {
  const ours = found.triggers.filter((trigger) => isOn(trigger, queue) && isOurs(trigger))
  return ours.find(({ name }) => name === triggerNameOf(queue)) ?? ours[0]
}

/** The version in a trigger's arguments; 0 when there is none. */
export function versionOfTrigger(trigger: FoundTrigger): number {
  const [version = ''] = trigger.arguments
  return /^\d{1,6}$/.test(version) ? Number(version) : 0
}

/** Made for a function before the one that we bring. */
export function isOlder(trigger: FoundTrigger | undefined): boolean {
  return trigger !== undefined && versionOfTrigger(trigger) < triggerVersion
}

/** Made for a function that is newer than the one that we bring. */
export function isNewer(trigger: FoundTrigger): boolean {
  return versionOfTrigger(trigger) > triggerVersion
}

function judge(
  there: FoundTrigger | undefined,
  queue: string,
  definition: string,
  settings: QueueTriggerSettings,
  found: Catalogue,
): Judgement | undefined {
  const name = triggerNameOf(queue)
  if (there === undefined) {
    return {
      action: 'create',
      problem: 'missing',
      reason: `pgmq.q_${queue} has no trigger ${name}: nobody tells workers of what is sent to queue "${queue}"`,
    }
  }
  const version = versionOfTrigger(there)
  if (version > triggerVersion) {
    return {
      problem: 'drifted',
      reason: `trigger ${name} has version ${version}, newer than our ${triggerVersion}; it is left alone: upgrade @aimq/triggers`,
    }
  }
  if (version < triggerVersion) {
    return {
      action: 'replace',
      problem: 'old-version',
      reason: `trigger ${name} has version ${version}, expected ${triggerVersion}`,
    }
  }
  if (there.definition !== definition) {
    const channel = settingsOf(there.arguments)?.channel
    if (channel !== undefined && channel !== settings.channel) {
      return {
        action: 'replace',
        problem: 'wrong-channel',
        reason: `trigger ${name} tells "${channel}", expected "${settings.channel}"`,
      }
    }
    return {
      action: 'replace',
      problem: 'drifted',
      reason: `trigger ${name} is defined otherwise: expected ${definition}, got ${there.definition}`,
    }
  }
  return judgeFiring(found, there, {
    table: `pgmq.q_${queue}`,
    silence: 'workers find what is sent there by polling',
    anew: createSql(definition),
  })
}

/** A trigger that somebody gave another name would tell of everything a second time. */
function renamed(triggers: readonly FoundTrigger[], queue: string, sql: string): Judgement {
  const names = triggers.map(({ name }) => identifier(name))
  return {
    action: 'replace',
    problem: 'drifted',
    reason: `pgmq.q_${queue} has our trigger under another name: ${names.join(', ')}`,
    sql: [...names.map((name) => `drop trigger if exists ${name} on pgmq.q_${queue};`), sql].join('\n'),
  }
}
