import {
  type AimqRole,
  defaultDeadLetterQueue,
  parseOptions,
  type QueueReference,
  queueNameOf,
  type RolesInput,
} from '@aimq/events'
import * as v from 'valibot'
import { refuse } from './options.ts'

export const aimqRoles: readonly AimqRole[] = ['installer', 'producer', 'worker', 'reader']

/** As on the bus; queues also by their definitions. */
export interface RolesOptions extends Omit<RolesInput, 'queues'> {
  readonly queues: readonly QueueReference[]
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
  const parsed = parseOptions('roles', schema, options, refuse)
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
