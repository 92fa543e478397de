import type { Logger } from '@aimq/events'
import { parseTls, tlsOptions } from '@aimq/events/tls'
import { Pool, type PoolClient } from 'pg'

import { parse } from 'pg-connection-string'
import type { ResolvedSupabase } from './options.ts'

const timeoutMs = 5000

/** Sends as database triggers do: by `realtime.send`, from where logical replication takes it to the server. */
export interface Sender {
  send(payload: object): Promise<void>
  close(): Promise<void>
}

export function databaseSender(
  connectionString: string,
  { topic, event, private: isPrivate }: Pick<ResolvedSupabase, 'topic' | 'event' | 'private'>,
  logger: Logger,
): Sender {
  const wish = parseTls(connectionString)
  let opening: Promise<Pool> | undefined
  const connected = new Set<PoolClient>()
  async function open(): Promise<Pool> {
    const { ssl: _, ...config } = parse(wish.connectionString)
    const pool = new Pool({
      application_name: 'aimq realtime',
      ...(config as object),
      ssl: await tlsOptions(wish, logger),
      max: 1,
      keepAlive: true,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
      idleTimeoutMillis: 60_000,
      allowExitOnIdle: true,
    })
    pool.on('error', () => {})
    pool.on('connect', (client) => connected.add(client))
    pool.on('remove', (client) => connected.delete(client))
    return pool
  }
  return {
    async send(payload) {
      opening ??= open()
      const pool = await opening
      const name = (payload as { event?: unknown }).event === 'canary' ? 'canary' : event
      await pool.query('select realtime.send($1::jsonb, $2, $3, $4)', [
        JSON.stringify(payload),
        name,
        topic,
        isPrivate,
      ])
    },
    async close() {
      const pool = await opening?.catch(() => undefined)
      opening = undefined
      // Not by asking: over a dead network nobody would answer, and the pool would wait for it.
      for (const client of connected) destroy(client)
      connected.clear()
      void pool?.end()
    },
  }
}

function destroy(client: PoolClient): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } }
  connection.stream.destroy()
}
