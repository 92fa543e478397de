import type { QueueReference, TableChange, TableJobInput } from '@aimq/events'

/**
 * What the payload of a queue asks of a table job: for {@link TableChange} the columns to send, for any other shape an
 * SQL expression for each of its fields.
 */
export type TablePayload<Payload> = unknown extends Payload
  ? readonly string[] | Readonly<Record<string, string>>
  : Payload extends TableChange<infer Row>
    ? readonly (keyof Row & string)[]
    : { readonly [Field in keyof Payload]-?: string }

/**
 * A change of a table's rows that becomes a job, in the same transaction. `when` and the expressions of `payload` are
 * SQL that you write and that is trusted: `when` runs with the rights of whoever changes the table, the expressions
 * with those of whoever installs the job. Never build them from what a user typed. Names of tables and columns are only
 * ever names, whatever is in them.
 */
export interface TableJob<Payload = unknown> extends Omit<TableJobInput, 'queue' | 'payload'> {
  readonly queue: QueueReference<Payload, unknown>
  readonly payload: TablePayload<Payload>
}

/**
 * Ties a table job to the payload type of its queue, when `queue` is a `defineQueue` definition. Types see names and
 * fields; what the columns hold only the database knows, and the worker's schema checks each job.
 *
 * ```ts
 * const orders = defineQueue<TableChange<{ id: number; status: string }>>('orders')
 * const job = tableJob({ name: 'order_changed', table: 'order', queue: orders, payload: ['id', 'status'] })
 * ```
 */
export function tableJob<Payload>(
  job: TableJob<NoInfer<Payload>> & { readonly queue: QueueReference<Payload, unknown> },
): TableJob<Payload> {
  return job
}

/** Table jobs, each with the payload type of its own queue. */
// biome-ignore lint/suspicious/noExplicitAny: no other type holds them all.
export type TableJobs = readonly TableJob<any>[]
