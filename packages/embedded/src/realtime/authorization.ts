import { randomUUID } from 'node:crypto'
import { type Database, isFromServer, sqlState } from './database.ts'
import type { Claims } from './tokens.ts'

export type Extension = 'broadcast' | 'presence'

/** Who asks, and for what; policies can see all of it. */
export interface Request {
  readonly sub: string
  readonly claims: Claims
  /** Only those that begin with `x-`. */
  readonly headers: Readonly<Record<string, string>>
}

/** Why the policies could not be asked. */
export type CheckFault = 'unavailable' | 'missing-partition' | 'canceled' | 'policy-error'

export class CheckError extends Error {
  readonly fault: CheckFault

  constructor(fault: CheckFault, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.fault = fault
  }
}

type Query = Database['query']

const insertProbe = 'insert into realtime.messages (id, topic, extension) values ($1, $2, $3)'
const becomeRequester = `select
  set_config('role', $1, true),
  set_config('realtime.topic', $2, true),
  set_config('request.jwt.claims', $3, true),
  set_config('request.jwt.claim.sub', $4, true),
  set_config('request.jwt.claim.role', $1, true),
  set_config('request.headers', $5, true)`

/** Which of these rows row-level security lets the requester see. Real rows, made and rolled back. */
export async function checkRead(
  database: Database,
  request: Request,
  extensions: readonly Extension[],
): Promise<Partial<Record<Extension, boolean>>> {
  return await check(database, async (query) => {
    const probes = extensions.map((extension) => ({ extension, id: randomUUID() }))
    for (const { id, extension } of probes) await query(insertProbe, [id, request.sub, extension])
    await become(query, request)
    const rows = await query('select id from realtime.messages where id = any($1::uuid[]) and topic = $2', [
      probes.map(({ id }) => id),
      request.sub,
    ])
    const seen = new Set(rows.map((row) => row.id))
    return Object.fromEntries(probes.map(({ extension, id }) => [extension, seen.has(id)]))
  })
}

/** Whether the requester may insert such a row. */
export async function checkWrite(
  database: Database,
  request: Request,
  extension: Extension,
): Promise<boolean> {
  return await check(database, async (query) => {
    await become(query, request)
    try {
      await query(insertProbe, [randomUUID(), request.sub, extension])
      return true
    } catch (thrown) {
      if (sqlState(thrown) === '42501') return false
      throw thrown
    }
  })
}

async function become(query: Query, { claims, sub, headers }: Request): Promise<void> {
  const subject = typeof claims.sub === 'string' ? claims.sub : ''
  await query(becomeRequester, [claims.role, sub, JSON.stringify(claims), subject, JSON.stringify(headers)])
}

async function check<Result>(database: Database, work: (query: Query) => Promise<Result>): Promise<Result> {
  try {
    return await database.rolledBack(work)
  } catch (thrown) {
    throw new CheckError(faultOf(thrown), thrown)
  }
}

function faultOf(thrown: unknown): CheckFault {
  if (!isFromServer(thrown)) return 'unavailable'
  const state = sqlState(thrown)
  if (state === '57014') return 'canceled'
  if (state === '23514' && (thrown as Error).message.includes('no partition')) return 'missing-partition'
  return 'policy-error'
}
