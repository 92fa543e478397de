import type { Catalogue, FoundTrigger } from './catalogue.ts'
import type { Judgement } from './wanted.ts'

/*
 * In which sessions a trigger fires. In the usual ones is enough, unless roles or the database are set to
 * `session_replication_role = replica`: there only a trigger that is always enabled does.
 */

/** What is wrong with where `there` fires; `silence` says what follows from it. */
export function judgeFiring(
  found: Catalogue,
  there: FoundTrigger,
  { table, silence }: { readonly table: string; readonly silence: string },
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
  return {
    action: 'enable',
    problem: enabled === 'A' ? 'drifted' : 'disabled',
    reason: `trigger ${name} on ${table} ${states[enabled] ?? `is in state ${enabled}`}`,
    sql: enableSql(found, table, name),
  }
}

/** `sql` that makes the trigger anew, with what it takes to fire where it has to. */
export function madeToFire(found: Catalogue, sql: string, table: string, name: string): string {
  return wantedState(found) === 'O' ? sql : `${sql}\n${enableSql(found, table, name)}`
}

function wantedState({ replicas }: Catalogue): 'O' | 'A' {
  return replicas.length === 0 ? 'O' : 'A'
}

function enableSql(found: Catalogue, table: string, name: string): string {
  return `alter table ${table} enable${wantedState(found) === 'A' ? ' always' : ''} trigger ${name};`
}
