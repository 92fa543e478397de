/** How the database tells of an enqueue: `pg_notify` on a channel, or `realtime.send` to a topic. */
export type TriggerPath = 'notify' | 'realtime'

/** What a queue's trigger is to do. */
export interface TriggerSettings {
  /** Default `['notify']`. */
  readonly paths?: readonly TriggerPath[]
  /** Channel and topic. Default `aimq:jobs`, on which workers listen. */
  readonly channel?: string
  /** Whether the Realtime topic is private. Default true. */
  readonly private?: boolean
  /** Tell over NOTIFY although no listener waits. Default false: a busy system notifies nobody. */
  readonly always?: boolean
  /** At most one Realtime hint per queue in so many milliseconds, 4800 at most. Default 100; 0 for none. */
  readonly throttleMs?: number
}

/** What can be wrong with a queue's trigger. */
export type TriggerProblem =
  | 'missing'
  | 'disabled'
  | 'old-version'
  | 'drifted'
  | 'wrong-channel'
  | 'foreign-trigger'
  | 'queue-missing'
  /** Unlogged, or of a name that AIMQ does not work with. */
  | 'unsupported'

export interface TriggerFinding {
  readonly problem: TriggerProblem
  /** What was expected, what is there, and what to do. */
  readonly message: string
}

export interface TriggerState {
  /** A pgmq queue, or the name of a table trigger (a table change that becomes a job). */
  readonly name: string
  readonly kind: 'queue' | 'table'
  /** `schema.table` it stands on. */
  readonly table: string
  readonly installed: boolean
  /** The version of the trigger's SQL, when ours is installed. */
  readonly version?: number
  readonly settings?: TriggerSettings
  /** What a table trigger was installed for. */
  readonly job?: TableJobInput
  readonly findings: readonly TriggerFinding[]
}

/** A step of a plan, in the order in which it would be done. */
export interface TriggerChange {
  readonly action: 'create' | 'replace' | 'enable' | 'remove'
  /** What it is about, as a person would say it: `trigger aimq_notify_emails on pgmq.q_emails`. */
  readonly object: string
  readonly reason: string
  readonly sql: string
}

export type TableOperation = 'insert' | 'update' | 'delete'

/** The payload of a table job that names columns: what happened to one row, with the columns it names. */
export interface TableChange<Row = Readonly<Record<string, unknown>>> {
  readonly op: TableOperation
  /** `schema.table`, as it was named when the job was installed. */
  readonly table: string
  /** Null after a delete. */
  readonly new: Row | null
  /** Null after an insert. */
  readonly old: Row | null
}

/** A change of a table's rows that becomes a job. */
export interface TableJobInput {
  /** Its own name, by the rule for queues: the trigger is `aimq_job_<name>`. */
  readonly name: string
  /** As it is, without quotes: upper and lower case count. */
  readonly table: string
  /** @default 'public' */
  readonly schema?: string
  readonly queue: string
  /** @default all three */
  readonly operations?: readonly TableOperation[]
  /** Only updates that set one of these columns, changed or not, as `update of` has it. @default any */
  readonly updateOf?: readonly string[]
  /** An SQL condition on `new` and `old`, such as `new.status = 'paid'`. Trusted SQL. @default none */
  readonly when?: string
  /**
   * The columns to send, as {@link TableChange}; or a field name → SQL expression on `new` and `old`, for a payload of
   * exactly these fields. Trusted SQL. Nothing is sent that is not named.
   */
  readonly payload: readonly string[] | Readonly<Record<string, string>>
  /** How long after the change the job is due, in milliseconds. @default 0 */
  readonly delayMs?: number
  /**
   * At most one waiting job per value of these columns: while none has been read, a later change takes over the
   * payload of the waiting job, which keeps its place and its due time. A change that comes once it was read is a new job.
   * @default every change is a job
   */
  readonly coalesceBy?: readonly string[]
  /** `abort`: no change without its job. `warn`: the change stands, the job is lost with a WARNING. @default 'abort' */
  readonly onFailure?: 'abort' | 'warn'
}

/** What somebody may do with a queue. */
export type AimqRole = 'installer' | 'producer' | 'worker' | 'reader'

/** Who is to have which rights. */
export interface RolesInput {
  /** By name, or with the dead-letter queue when that is not `<queue>_dlq`. */
  readonly queues: readonly (string | { readonly name: string; readonly deadLetterQueue: string })[]
  /** @default all four */
  readonly roles?: readonly AimqRole[]
  /**
   * Roles are named `<prefix>_producer` and so on. Another prefix for other queues keeps their users apart.
   * @default 'aimq'
   */
  readonly prefix?: string
  /**
   * Row-level security on the queues, their archives and the idempotency keys as a second wall, with policies for the
   * roles named. Whoever neither owns the tables nor bypasses it nor is one of these roles then sees nothing, whatever
   * was granted. Where it is on already the roles get their policies without this.
   * @default false
   */
  readonly rowSecurity?: boolean
  /** Lets installer and worker send hints and canaries to this Realtime topic, such as `aimq:jobs`. @default none */
  readonly realtimeTopic?: string
  /** The SQL that takes all of it back. Give the options it was installed with. @default false */
  readonly remove?: boolean
}

interface QueueChoice {
  /** Queues by name; without it all queues of the database. */
  readonly queues?: readonly string[]
}

export interface TriggersFacts {
  'triggers:table-job-installed': { readonly name: string; readonly table: string; readonly queue: string }
  'triggers:table-job-removed': { readonly name: string }
  'triggers:table-job-drifted': { readonly name: string; readonly findings: readonly TriggerFinding[] }
  'triggers:trigger-installed': { readonly queue: string; readonly paths: readonly TriggerPath[] }
  'triggers:trigger-removed': { readonly queue: string }
  'triggers:trigger-drifted': { readonly queue: string; readonly findings: readonly TriggerFinding[] }
}

export interface TriggersRequests {
  /** SQL that makes the roles, or with `remove` takes them back, to be read first; `apply` runs it as well. */
  'triggers:roles': {
    input: RolesInput & { readonly apply?: boolean }
    output: { readonly sql: string; readonly applied: boolean }
  }
  /** Makes table changes into jobs; does nothing for one that stands as given. All or nothing. */
  'triggers:install-table': {
    input: { readonly jobs: readonly TableJobInput[] }
    output: { readonly changes: readonly TriggerChange[] }
  }
  /** What `install-table` would do. */
  'triggers:plan-table': {
    input: { readonly jobs: readonly TableJobInput[] }
    output: { readonly changes: readonly TriggerChange[] }
  }
  /** Table jobs by name; without names all of the database. Jobs that wait stay. */
  'triggers:remove-table': {
    input: { readonly names?: readonly string[] }
    output: { readonly changes: readonly TriggerChange[] }
  }
  /** The same as `install-table`, or `remove-table`, as the text of a SQL file. */
  'triggers:table-migration': {
    input: {
      readonly jobs: readonly TableJobInput[]
      readonly remove?: boolean
      readonly naming?: 'supabase' | 'plain'
    }
    output: { readonly fileName: string; readonly sql: string }
  }
  'triggers:install': {
    input: QueueChoice & TriggerSettings & { readonly replaceForeign?: boolean; readonly policy?: boolean }
    output: { readonly changes: readonly TriggerChange[] }
  }
  'triggers:remove': { input: QueueChoice; output: { readonly changes: readonly TriggerChange[] } }
  'triggers:list': {
    input: QueueChoice
    output: {
      readonly triggers: readonly TriggerState[]
      /** The policy that lets workers hear private Realtime topics; absent where there is no Realtime. */
      readonly policy?: { readonly installed: boolean; readonly findings: readonly TriggerFinding[] }
    }
  }
  /** What `install` with the same input would do. */
  'triggers:plan': {
    input: QueueChoice & TriggerSettings & { readonly replaceForeign?: boolean; readonly policy?: boolean }
    output: { readonly changes: readonly TriggerChange[] }
  }
  /** Mends what `list` finds wrong with triggers that stand, with the settings they have; named queues get theirs. */
  'triggers:repair': { input: QueueChoice; output: { readonly changes: readonly TriggerChange[] } }
  /** The same as `install`, or `remove`, as the text of a SQL file. */
  'triggers:migration': {
    input: {
      readonly queues: readonly string[]
      readonly remove?: boolean
      readonly policy?: boolean
      readonly replaceForeign?: boolean
      /** `supabase` (default): `<timestamp>_aimq_….sql`; `plain`: without the timestamp. */
      readonly naming?: 'supabase' | 'plain'
    } & TriggerSettings
    output: { readonly fileName: string; readonly sql: string }
  }
}
