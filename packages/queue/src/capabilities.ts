import { QueueError, queueErrorCodes } from './errors.ts'
import { grantsFor } from './grants.ts'
import type { Operations } from './operations.ts'
import { pgmqRemedy } from './postgres-error.ts'
import { statement } from './sql.ts'

/** What the database can do, probed and never guessed from a version. */
export interface ProbedCapabilities {
  readonly postgresVersion: string
  readonly pgmqVersion: string | null
  readonly partitioned: boolean
  readonly idempotency: boolean
  /** Whether there is a pgmq at all. */
  readonly pgmq: boolean
  /** Whether this role may look into schema pgmq. */
  readonly allowed: boolean
  /** Whether `drop_queue` finds out by itself what kind of queue it drops. */
  readonly dropsByName: boolean
  readonly readOnly: boolean
  readonly role: string
}

export async function readCapabilities(
  operations: Operations,
  signal: AbortSignal | undefined,
): Promise<ProbedCapabilities> {
  const [row = {}] = await operations.database.run(
    statement('capabilities'),
    {},
    { operation: 'connect', signal },
  )
  return {
    postgresVersion: String(row.postgres),
    pgmqVersion: row.version == null ? null : String(row.version),
    partitioned: row.partitioned === true,
    idempotency: row.idempotency === true,
    pgmq: row.pgmq === true,
    allowed: row.allowed === true,
    dropsByName: row.dropsbyname === true,
    readOnly: row.readonly === true,
    role: String(row.role),
  }
}

/** Fails with one readable error when this is not a database to work with. */
export async function requireUsable(operations: Operations, signal: AbortSignal | undefined): Promise<void> {
  const able = await readCapabilities(operations, signal)
  const { target } = operations.database
  if (!able.pgmq) throw new QueueError(queueErrorCodes.pgmqMissing, `connect: ${pgmqRemedy(target)}`)
  if (!able.allowed) {
    throw new QueueError(
      queueErrorCodes.permissionDenied,
      `connect: role "${able.role}" may not look into schema pgmq of ${target}; grant what this needs:\n${grantsFor('connect', undefined).join('\n').replaceAll('<role>', `"${able.role}"`)}`,
    )
  }
  if (able.readOnly) {
    throw new QueueError(
      queueErrorCodes.readOnly,
      `connect: ${target} takes no writes; connect to the primary, or wait for the failover to end`,
    )
  }
}
