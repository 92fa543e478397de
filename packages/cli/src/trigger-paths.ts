import type { TriggerPath } from '@aimq/events'
import { connect } from './connect.ts'
import type { Database } from './database.ts'

export type PathWish = 'notify' | 'realtime' | 'both'

/** What was asked for; else both paths where the database can tell Supabase Realtime, and NOTIFY alone where it cannot. */
export async function chooseTriggerPaths(
  wish: PathWish | undefined,
  database: Database,
): Promise<readonly TriggerPath[]> {
  if (wish !== undefined) return wish === 'both' ? ['notify', 'realtime'] : [wish]
  const connection = await connect(database)
  try {
    const [row] = await connection.rows<{ available: boolean }>('realtime-send')
    return row?.available === true ? ['notify', 'realtime'] : ['notify']
  } finally {
    await connection[Symbol.asyncDispose]()
  }
}
