import type { AimqRole } from '@aimq/events'
import { blockParts } from './block.ts'
import { type ResolvedRoles, type RolesOptions, resolveRoles } from './roles-options.ts'
import { checksumOf } from './sql.ts'
import { fill } from './sql-template.ts'

/**
 * SQL that makes the roles `aimq_installer`, `aimq_producer`, `aimq_worker` and `aimq_reader`, each with the least it
 * needs for these queues; or with `remove` the SQL that takes that back. For a person to read before it is run. The
 * same options give the same text; running it twice does what running it once did. It is one block, so one transaction.
 *
 * @throws `triggers/invalid-options`, `events/invalid-queue-name`
 */
export function rolesSql(options: RolesOptions): string {
  const resolved = resolveRoles(options)
  return resolved.remove ? removal(resolved) : installation(resolved)
}

function installation(options: ResolvedRoles): string {
  const { queues, roles, rowSecurity } = options
  const names = queues.map(({ name }) => name).join(', ')
  const keys = roles.includes('producer')
    ? fill('roles/row-security-keys', {
        literals: { role: roleName(options, 'producer') },
        fragments: {
          queues: rows(queues.map(({ name }) => [name, keyPolicy(options, name)])),
          row_security: String(rowSecurity),
          enable: rowSecurity ? 'alter table aimq.idempotency_key enable row level security;' : '',
        },
      })
    : ''
  return fill('roles/grant', {
    fragments: {
      ...blockParts(),
      summary: `roles ${roles.map((role) => roleName(options, role)).join(', ')} for queues ${names}`,
      example: roleName(options, roles.at(-1) ?? 'reader'),
      roles: rows(roles.map((role) => [roleName(options, role)])),
      prepared: [deadLetterQueues(options), rowSecurity ? secured(options) : ''].filter(Boolean).join('\n'),
      grants: roles.map((role) => grantsOf(options, role)).join('\n'),
      policies: rows(policies(options), ',\n'),
      keys,
    },
  })
}

function grantsOf(options: ResolvedRoles, role: AimqRole): string {
  const binding = bindRole(options, role)
  const parts = [fill(`roles/${role}`, binding)]
  for (const { name, deadLetterQueue } of options.queues) {
    const identifiers = {
      ...binding.identifiers,
      queue: `q_${name}`,
      archive: `a_${name}`,
      sequence: `q_${name}_msg_id_seq`,
      dead_letter: `q_${deadLetterQueue}`,
      dead_letter_archive: `a_${deadLetterQueue}`,
    }
    parts.push(fill(`roles/${role}-queue`, { identifiers }))
  }
  if (options.realtimeTopic !== undefined && (role === 'installer' || role === 'worker')) {
    const policy = realtimePolicy(options, role)
    parts.push(
      fill('roles/realtime', {
        identifiers: { ...binding.identifiers, policy },
        literals: { policy, topic: options.realtimeTopic },
      }),
    )
  }
  return parts.join('\n')
}

function deadLetterQueues({ queues, roles }: ResolvedRoles): string {
  if (!roles.includes('worker') && !roles.includes('reader')) return ''
  return fill('roles/dead-letters', {
    fragments: { queues: rows(queues.map(({ deadLetterQueue }) => [deadLetterQueue])) },
  })
}

function secured(options: ResolvedRoles): string {
  return fill('roles/row-security', { fragments: { tables: literals(tables(options)) } })
}

/** Which role meets which table, once though queues share a dead-letter queue. */
function policies(options: ResolvedRoles): string[][] {
  const all = options.queues.flatMap(({ name, deadLetterQueue }) =>
    options.roles.flatMap((role) => {
      const met = {
        installer: [`q_${name}`],
        producer: [`q_${name}`],
        worker: [`q_${name}`, `a_${name}`, `q_${deadLetterQueue}`],
        reader: [`q_${name}`, `a_${name}`, `q_${deadLetterQueue}`, `a_${deadLetterQueue}`],
      }[role]
      return met.map((table) => [table, roleName(options, role)])
    }),
  )
  return [...new Map(all.map((pair) => [pair.join(' '), pair])).values()]
}

function removal(options: ResolvedRoles): string {
  const { queues, roles, rowSecurity } = options
  const sequences = queues.map(({ name }) => `q_${name}_msg_id_seq`)
  const own = tables({
    queues: queues.filter(({ name, deadLetterQueue }) => deadLetterQueue === `${name}_dlq`),
  })
  const named = queues.flatMap(({ name }) => [`q_${name}`, `a_${name}`])
  const relations = [...new Set([...own, ...named])].sort()
  const shared = tables(options).filter((table) => !relations.includes(table))
  const keyPolicies = queues.map(({ name }) => keyPolicy(options, name))
  return fill('roles/remove', {
    fragments: {
      ...blockParts(),
      queues: queues.map(({ name }) => name).join(', '),
      roles: literals(roles.map((role) => roleName(options, role))),
      relations: literals([...relations, ...sequences]),
      // A list of nothing is no SQL.
      shared: literals(shared.length === 0 ? [''] : shared),
      key_policies: literals(keyPolicies),
      hint_policies: rows(roles.map((role) => [roleName(options, role), realtimePolicy(options, role)])),
      row_security: rowSecurity
        ? fill('roles/row-security-off', { fragments: { tables: literals(tables(options)) } })
        : '',
    },
  })
}

function tables({ queues }: Pick<ResolvedRoles, 'queues'>): string[] {
  const all = queues.flatMap(({ name, deadLetterQueue }) =>
    [name, deadLetterQueue].flatMap((queue) => [`q_${queue}`, `a_${queue}`]),
  )
  return [...new Set(all)].sort()
}

function roleName({ prefix }: ResolvedRoles, role: AimqRole): string {
  return `${prefix}_${role}`
}

function realtimePolicy(options: ResolvedRoles, role: AimqRole): string {
  return policyName(`${roleName(options, role)} sends hints`)
}

function keyPolicy(options: ResolvedRoles, queue: string): string {
  return policyName(`${roleName(options, 'producer')} ${queue}`)
}

/** PostgreSQL cuts names after 63 bytes, and two of them could then be one. */
function policyName(name: string): string {
  if (name.length <= 63) return name
  return `${name.slice(0, 46)} ${checksumOf([name]).slice(0, 16)}`
}

function bindRole(options: ResolvedRoles, role: AimqRole) {
  const name = roleName(options, role)
  return { identifiers: { role: name }, literals: { role: name } }
}

// Names that went through a check of their own: no quote is in them.
function literals(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ')
}

function rows(of: readonly (readonly string[])[], separator = ', '): string {
  return of.map((row) => `(${literals(row)})`).join(separator)
}
