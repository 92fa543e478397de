import type { Catalogue, FoundTrigger } from './catalogue.ts'
import type { Judgement } from './wanted.ts'

/*
 * In which sessions a trigger fires. In the usual ones is enough, unless roles or the database are set to
 * `session_replication_role = replica`: there only a trigger that is always enabled does, and only the owner of a table
 * can make one so. Whoever may just put triggers on it makes them anew, and they fire in the usual sessions.
 */

interface Firing {
  readonly table: string
  /** What follows when it does not fire. */
  readonly silence: string
  /** Makes it anew without being the owner, where that can be done. */
  readonly anew?: string
}

/** What is wrong with where `there` fires. */
export function judgeFiring(
  found: Catalogue,
  there: FoundTrigger,
  { table, silence, anew }: Firing,
): Judgement | undefined {
  const { name, enabled } = there
  const { replicas } = found
  if (enabled === wantedState(found)) return undefined
  const states: Record<string, string> = {
    O: `does not fire in sessions of ${replicas.join(' and ')}, which are set to session_replication_role = replica: ${silence}`,
    D: `is disabled: ${silence}`,
    R: `fires only where replication applies rows, and not where they are sent: ${silence}`,
    A: 'also fires where replication applies rows',
  }
  const sql = enableSql(found, table, name)
  const fault = {
    problem: enabled === 'A' ? ('drifted' as const) : ('disabled' as const),
    reason: `trigger ${name} on ${table} ${states[enabled] ?? `is in state ${enabled}`}`,
  }
  if (isOwned(found, table)) return { ...fault, action: 'enable', sql }
  if (enabled !== 'O' && anew !== undefined) return { ...fault, action: 'enable', sql: anew }
  return { ...fault, reason: `${fault.reason}; its owner can run: ${sql}` }
}

/** `sql` that makes the trigger anew, with what it takes to fire where it has to. */
export function madeToFire(found: Catalogue, sql: string, table: string, name: string): string {
  return wantedState(found) === 'O' || !isOwned(found, table)
    ? sql
    : `${sql}\n${enableSql(found, table, name)}`
}

function wantedState({ replicas }: Catalogue): 'O' | 'A' {
  return replicas.length === 0 ? 'O' : 'A'
}

/** Whether the role of this session may do what the owner may. One that is not there yet will be its own. */
function isOwned({ tables }: Catalogue, table: string): boolean {
  return tables.find(({ schema, name }) => `${schema}.${name}` === table)?.owned ?? true
}

function enableSql(found: Catalogue, table: string, name: string): string {
  return `alter table ${table} enable${wantedState(found) === 'A' ? ' always' : ''} trigger ${name};`
}
