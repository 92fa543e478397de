import type { Database } from './database.ts'
import { isObject } from './json.ts'

export interface ReplayedRow {
  readonly id: string
  readonly event: string
  /** JSON text. */
  readonly payload: string | undefined
  readonly binaryPayload: Buffer | undefined
}

const maxReplayed = 25

/** What a join asks for; `invalid` when it cannot be meant. */
export function parseReplay(request: unknown): { sinceMs: number; limit: number } | 'invalid' {
  if (!isObject(request)) return 'invalid'
  const since = request.since ?? 0
  const limit = request.limit ?? maxReplayed
  if (!Number.isInteger(since) || !Number.isInteger(limit) || Number(limit) < 1) return 'invalid'
  // Far beyond any date that PostgreSQL would take.
  if (Number(since) < 0 || Number(since) > 8.64e15) return 'invalid'
  return { sinceMs: Number(since), limit: Math.min(Number(limit), maxReplayed) }
}

/** The newest private broadcasts of a topic since then, oldest first. */
export async function readReplay(
  database: Database,
  sub: string,
  { sinceMs, limit }: { sinceMs: number; limit: number },
): Promise<ReplayedRow[]> {
  const rows = await database.query(
    `select id, event, payload, encode(binary_payload, 'hex') as binary_payload from realtime.messages
     where topic = $1 and private and extension = 'broadcast' and event is not null
       and (payload is not null or binary_payload is not null)
       and inserted_at >= to_timestamp($2::numeric / 1000) at time zone current_setting('TimeZone')
     order by inserted_at desc, id limit $3`,
    [sub, sinceMs, limit],
  )
  return rows.reverse().map(({ id, event, payload, binary_payload: binary }) => ({
    id: id ?? '',
    event: event ?? '',
    payload: payload ?? undefined,
    binaryPayload: binary === null || binary === undefined ? undefined : Buffer.from(binary, 'hex'),
  }))
}
