import { randomBytes } from 'node:crypto'
import type { Client } from 'pg'
import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication'
import type { MessageRow, Stream } from './backing.ts'
import { applicationName } from './database.ts'

const publication = 'supabase_realtime_messages_publication'
const slotPrefix = 'supabase_realtime_messages_replication_slot_'
/** PostgreSQL gives up on a client that is silent for `wal_sender_timeout`, a minute by default. */
const statusIntervalSeconds = 10
const closeTimeoutMs = 3000

/** Makes the slot it reads from: temporary, so it is gone with its connection whatever happens to this process. */
class TemporarySlotPlugin extends PgoutputPlugin {
  override async start(client: Client, slot: string, _lsn: string): Promise<unknown> {
    await client.query(`CREATE_REPLICATION_SLOT "${slot}" TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT`)
    return await super.start(client, slot, '0/0')
  }

  /** Columns stay the text PostgreSQL sends, so that no number in a payload is rounded. */
  override parse(buffer: Buffer): Pgoutput.Message {
    const message = super.parse(buffer)
    if (message.tag === 'relation') for (const column of message.columns) column.parser = (text) => text
    return message
  }
}

/**
 * Resolves once rows flow: what is committed from then on is delivered, in the order of commits. PostgreSQL makes a slot
 * only when every transaction that is writing now, in any database of the server, has ended.
 */
export async function openReplication(
  connectionString: string,
  onRow: (row: MessageRow) => void,
  onEnd: (cause: unknown) => void,
  signal: AbortSignal,
): Promise<Stream> {
  const config = { connectionString, application_name: applicationName, replication: 'database' } as const
  const service = new LogicalReplicationService(
    { ...config, connectionTimeoutMillis: 5000, keepAlive: true },
    { acknowledge: { auto: false, timeoutSeconds: statusIntervalSeconds } },
  )
  const { promise: started, resolve, reject } = Promise.withResolvers<void>()
  service.on('start', () => resolve())
  service.on('error', reject)
  service.on('data', (_lsn, message: Pgoutput.Message) => {
    if (message.tag === 'insert' && message.relation.schema === 'realtime') onRow(toRow(message.new))
  })
  // A server that shuts down waits until everything it sent is confirmed. The library adds one to the position.
  service.on('heartbeat', (lsn, _time, shouldRespond) => {
    if (shouldRespond) service.acknowledge(before(lsn)).catch(() => {})
  })
  const plugin = new TemporarySlotPlugin({ protoVersion: 2, publicationNames: [publication] })
  const slot = `${slotPrefix}${randomBytes(6).toString('hex')}`
  const over = service.subscribe(plugin, slot).then(
    () => undefined,
    (cause: unknown) => cause,
  )
  const finished = over.then((cause) => {
    reject(cause ?? new Error('the replication stream ended'))
    onEnd(cause)
  })
  const close = () => closeService(service, finished)
  const giveUp = () => clientOf(service)?.connection.stream.destroy()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    await started
    signal.removeEventListener('abort', giveUp)
    return { close }
  } catch (thrown) {
    signal.removeEventListener('abort', giveUp)
    await close()
    throw thrown
  }
}

/** What pg keeps inside a client. */
interface Wire {
  readonly connection: { end(): void; readonly stream: { destroy(): void } }
}

function clientOf(service: LogicalReplicationService): (Client & Wire) | null {
  return (service as unknown as { _client: (Client & Wire) | null })._client
}

/**
 * Resolves when the slot is gone. pg would cut the connection, as a statement is under way, and PostgreSQL notices a
 * while later; so it is told, and `over` tells when it is. A server that does not answer must not hold up the end.
 */
async function closeService(service: LogicalReplicationService, over: Promise<void>): Promise<void> {
  const client = clientOf(service)
  if (client !== null && !service.isStop()) {
    const timer = setTimeout(() => client.connection.stream.destroy(), closeTimeoutMs)
    client.connection.end()
    await over
    clearTimeout(timer)
  }
  await service.destroy().catch(() => client?.connection.stream.destroy())
}

function before(lsn: string): string {
  const [high = '0', low = '0'] = lsn.split('/')
  const position = (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`) - 1n
  return `${(position >> 32n).toString(16)}/${(position & 0xffff_ffffn).toString(16)}`
}

function toRow(columns: Record<string, unknown>): MessageRow {
  const text = (name: string) => {
    const value = columns[name]
    return typeof value === 'string' ? value : undefined
  }
  const binary = text('binary_payload')
  return {
    id: text('id') ?? '',
    topic: text('topic'),
    extension: text('extension'),
    event: text('event'),
    private: text('private') === 't',
    payload: text('payload'),
    // As text, `bytea` is `\x` and hexadecimal digits.
    binaryPayload: binary === undefined ? undefined : Buffer.from(binary.slice(2), 'hex'),
  }
}
