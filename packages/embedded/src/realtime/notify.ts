import pg from 'pg'
import { readSql } from '../sql.ts'
import type { MessageRow, Stream } from './backing.ts'
import { applicationName, type Database } from './database.ts'

const channel = 'aimq_local_realtime'
/** Every server that listens holds this lock shared; the last one takes the trigger away. */
const lockKey = `hashtext('aimq local realtime notify')`

/** For servers without logical decoding: a trigger notifies the key of each row, and the row is fetched. */
export async function openNotify(
  connectionString: string,
  database: Database,
  onRow: (row: MessageRow) => void,
  onEnd: (cause: unknown) => void,
): Promise<Stream> {
  const client = new pg.Client({
    connectionString,
    application_name: applicationName,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
  })
  let waiting: string[] = []
  let fetching = false
  const fetchWaiting = async () => {
    if (fetching) return
    fetching = true
    try {
      while (waiting.length > 0) {
        const keys = waiting
        waiting = []
        for (const row of await fetchRows(database, keys)) onRow(row)
      }
    } catch (cause) {
      onEnd(cause)
    } finally {
      fetching = false
    }
  }
  client.on('error', onEnd)
  client.on('end', () => onEnd(undefined))
  client.on('notification', ({ payload = '' }) => {
    waiting.push(payload)
    void fetchWaiting()
  })
  try {
    await client.connect()
    await client.query(`select pg_advisory_lock_shared(${lockKey})`)
    await client.query(readSql('realtime-notify'))
    await client.query(`listen ${channel}`)
  } catch (thrown) {
    await client.end().catch(() => {})
    throw thrown
  }
  return {
    async close() {
      try {
        await client.query(`unlisten *; select pg_advisory_unlock_shared(${lockKey})`)
        const { rows } = await client.query(`select pg_try_advisory_lock(${lockKey}) as last`)
        if (rows[0]?.last === true) await client.query(readSql('realtime-notify-remove'))
      } catch {
        // The connection is gone, and with it the lock. The next server makes the trigger anew, or removes it.
      }
      await client.end().catch(() => {})
    },
  }
}

async function fetchRows(database: Database, keys: readonly string[]): Promise<MessageRow[]> {
  const rows = await database.query(
    `select message.id, topic, extension, event, private, payload, encode(binary_payload, 'hex') as binary_payload
     from unnest($1::text[]) with ordinality as notified (key, position)
     join realtime.messages message
       on message.id = split_part(key, ' ', 1)::uuid
      and message.inserted_at = substr(key, position(' ' in key) + 1)::timestamp
     order by position`,
    [keys],
  )
  return rows.map((row) => ({
    id: row.id ?? '',
    topic: row.topic ?? undefined,
    extension: row.extension ?? undefined,
    event: row.event ?? undefined,
    private: row.private === 't',
    payload: row.payload ?? undefined,
    binaryPayload: row.binary_payload == null ? undefined : Buffer.from(row.binary_payload, 'hex'),
  }))
}
