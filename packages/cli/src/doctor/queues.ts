import { queueNamePattern } from '@aimq/events'
import { isWorked } from '../is-worked.ts'
import { count, duration } from '../show.ts'
import { type Finding, fault, ok, warning } from './finding.ts'

export interface QueueRow {
  readonly queue: string
  readonly has_table: boolean
  readonly unlogged: boolean
  readonly may_use_schema: boolean
  readonly may_work: boolean
  readonly may_send: boolean
  readonly may_archive: boolean
  readonly live: string
  readonly dead: string
  readonly vacuumed: Date | null
}

/** More dead rows than this, and more of them than living ones: each look that finds a queue empty walks past all of them. */
const manyDeadRows = 20_000

export function checkQueues(rows: readonly QueueRow[], role: string, program: string): Finding[] {
  if (rows.length === 0)
    return [warning('queues', 'there is no queue yet', `create one: ${program} create <queue>`)]
  const findings = rows.flatMap((row) => [...shape(row, program), ...rights(row, role), ...bloat(row)])
  const names = `${rows.length} ${rows.length === 1 ? 'queue' : 'queues'}`
  return findings.length === 0 ? [ok('queues', `${names}, all of them usable`)] : findings
}

function shape({ queue, has_table, unlogged }: QueueRow, program: string): Finding[] {
  if (!queueNamePattern.test(queue)) {
    return [
      warning(
        'queues',
        `"${queue}" is a name that AIMQ does not work with`,
        'use names of lower-case letters, digits and _ that begin with a letter, at most 47 long',
      ),
    ]
  }
  if (!has_table) {
    return [
      fault(
        'queues',
        `${queue} has no table: pgmq.q_${queue} is gone`,
        `restore it, or: ${program} drop ${queue} --yes`,
      ),
    ]
  }
  return unlogged
    ? [
        fault(
          'queues',
          `${queue} is unlogged: a crash of the database empties it, and AIMQ does not work it`,
          `run: alter table pgmq.q_${queue} set logged`,
        ),
      ]
    : []
}

function rights(
  { queue, has_table, may_use_schema, may_work, may_send, may_archive }: QueueRow,
  role: string,
): Finding[] {
  if (!has_table || !isWorked(queue)) return []
  const missing = [
    ...(may_use_schema ? [] : [`grant usage on schema pgmq to "${role}";`]),
    ...(may_work ? [] : [`grant select, update, delete on pgmq.q_${queue} to "${role}";`]),
    ...(may_archive ? [] : [`grant select, insert on pgmq.a_${queue} to "${role}";`]),
  ]
  const sending = may_send ? [] : [`grant insert on pgmq.q_${queue} to "${role}";`]
  return [
    ...(missing.length === 0
      ? []
      : [warning('grants', `${role} may not work ${queue}`, `as its owner: ${missing.join(' ')}`)]),
    ...(sending.length === 0
      ? []
      : [warning('grants', `${role} may not send to ${queue}`, `as its owner: ${sending.join(' ')}`)]),
  ]
}

function bloat({ queue, live, dead, vacuumed }: QueueRow): Finding[] {
  if (Number(dead) < manyDeadRows || Number(dead) < Number(live)) return []
  const when =
    vacuumed === null ? 'never vacuumed' : `vacuumed ${duration(Date.now() - vacuumed.getTime())} ago`
  return [
    warning(
      'dead rows',
      `${queue} has ${count(Number(dead))} dead rows beside ${count(Number(live))} living ones (${when}); jobs of a quiet queue start late`,
      `run: vacuum pgmq.q_${queue}; and: alter table pgmq.q_${queue} set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)`,
    ),
  ]
}
