import type { Session } from './database.ts'
import { sqlStateOf } from './postgres-error.ts'
import { sqlOf } from './sql.ts'

/** A lock that was not to be had in time, a deadlock, a table that changed meanwhile. */
const contendedStates: readonly (string | undefined)[] = ['55P03', '40P01', '40001', 'XX000']

export function isContended(thrown: unknown): boolean {
  const state = sqlStateOf(thrown)
  if (state !== 'XX000') return contendedStates.includes(state)
  // How PostgreSQL says that two of them changed one object of the catalogue.
  return /tuple concurrently/.test((thrown as Error).message)
}

/** Who holds these tables, or the lock of all installers, as the end of a sentence. */
export async function holdersOf(session: Session, tables: readonly string[]): Promise<string> {
  const rows = await session.query(sqlOf('queries/holders'), [tables])
  if (rows.length === 0) return ''
  const holders = rows.map(({ table, pid, prepared, role, application, state, seconds }) => {
    const who = [
      prepared == null ? `process ${pid}` : `the prepared transaction ${prepared}`,
      `role ${role}`,
      application == null ? '' : `application ${application}`,
      state,
    ]
    return `${table} is held by ${who.filter(Boolean).join(', ')}, for ${seconds} s`
  })
  return ` (${holders.join('; ')})`
}
