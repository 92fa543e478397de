import type { ClientBase } from 'pg'

const direct = new WeakSet<object>()

/**
 * Finds out whether a new connection of ours is a session of its own, which keeps prepared statements, or one that a
 * pooler lends out statement by statement: a pooler hands out process numbers of its own, a server the true one.
 *
 * The plan of a prepared statement may be kept from when its table was empty, and be a scan; so such a session is told to
 * work by indexes, which is right for every statement of a queue.
 */
export async function recognizeSession(client: ClientBase, timeoutMs: number): Promise<void> {
  const { processID } = client as ClientBase & { readonly processID?: number | null }
  if (processID == null) return
  const question = {
    text: `select set_config('enable_seqscan', 'off', false), set_config('enable_nestloop', 'off', false) where pg_catalog.pg_backend_pid() = $1::text::int`,
    values: [String(processID)],
    query_timeout: timeoutMs,
  }
  const { rows } = await client.query(question)
  if (rows.length === 1) direct.add(client)
}

/** Whether this connection was recognized as a session of its own. */
export function isDirectSession(client: object): boolean {
  return direct.has(client)
}
