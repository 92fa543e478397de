import { defaultDeadLetterQueue, parseOptions, type QueueReference, queueNameOf } from '@aimq/events'
import * as v from 'valibot'
import { TriggersError, triggersErrorCodes } from './errors.ts'

/** What somebody may do with a queue. */
export type AimqRole = 'installer' | 'producer' | 'worker' | 'reader'

export const aimqRoles: readonly AimqRole[] = ['installer', 'producer', 'worker', 'reader']

export interface RolesOptions {
  /** Queues by name or definition; each with its dead-letter queue, `<queue>_dlq` unless the definition says otherwise. */
  readonly queues: readonly QueueReference[]
  /** @default all four */
  readonly roles?: readonly AimqRole[]
  /**
   * Roles are named `<prefix>_producer` and so on. Another prefix for other queues keeps their users apart.
   * @default 'aimq'
   */
  readonly prefix?: string
  /**
   * Row-level security on the queues, their archives and the idempotency keys as a second wall, with policies for the
   * roles named. Whoever neither owns the tables nor bypasses it nor is one of these roles then sees nothing, whatever
   * was granted. Where it is on already the roles get their policies without this.
   * @default false
   */
  readonly rowSecurity?: boolean
  /** Lets installer and worker send hints and canaries to this Realtime topic, such as `aimq:jobs`. @default none */
  readonly realtimeTopic?: string
  /** The SQL that takes all of it back. Give the options it was installed with. @default false */
  readonly remove?: boolean
}

export interface RoleQueue {
  readonly name: string
  readonly deadLetterQueue: string
}

export interface ResolvedRoles {
  readonly queues: readonly RoleQueue[]
  readonly roles: readonly AimqRole[]
  readonly prefix: string
  readonly rowSecurity: boolean
  readonly realtimeTopic: string | undefined
  readonly remove: boolean
}

const schema = v.strictObject({
  queues: v.pipe(v.array(v.unknown()), v.nonEmpty('expected one queue or more')),
  roles: v.optional(
    v.pipe(
      v.array(v.picklist(aimqRoles, `expected some of ${aimqRoles.join(', ')}`)),
      v.nonEmpty('expected one role or more'),
    ),
    [...aimqRoles],
  ),
  prefix: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^(?!pg_)[a-z][a-z0-9_]{0,46}$/,
        'expected 1 to 47 lower-case letters, digits or _, a letter first and not pg_',
      ),
    ),
    'aimq',
  ),
  rowSecurity: v.optional(v.boolean(), false),
  realtimeTopic: v.optional(
    v.pipe(v.string(), v.regex(/^[\w:./-]{1,240}$/, 'expected 1 to 240 letters, digits or any of : . / - _')),
  ),
  remove: v.optional(v.boolean(), false),
})

export function resolveRoles(options: RolesOptions): ResolvedRoles {
  const fail = (message: string) => new TriggersError(triggersErrorCodes.invalidOptions, message)
  const parsed = parseOptions('roles', schema, options, fail)
  const queues = new Map<string, RoleQueue>()
  for (const reference of parsed.queues as QueueReference[]) {
    const name = queueNameOf(reference)
    const given = typeof reference === 'object' ? reference.deadLetterQueue : undefined
    queues.set(name, { name, deadLetterQueue: queueNameOf(given ?? defaultDeadLetterQueue(name)) })
  }
  return {
    ...parsed,
    queues: [...queues.values()].sort(byName),
    roles: aimqRoles.filter((role) => parsed.roles.includes(role)),
    realtimeTopic: parsed.realtimeTopic,
  }
}

function byName(one: RoleQueue, other: RoleQueue): number {
  return one.name < other.name ? -1 : 1
}
