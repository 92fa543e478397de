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
  /** At most one Realtime hint per queue in so many milliseconds. Default 100; 0 for none. */
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

interface QueueChoice {
  /** Queues by name; without it all queues of the database. */
  readonly queues?: readonly string[]
}

export interface TriggersFacts {
  'triggers:trigger-installed': { readonly queue: string; readonly paths: readonly TriggerPath[] }
  'triggers:trigger-removed': { readonly queue: string }
  'triggers:trigger-drifted': { readonly queue: string; readonly findings: readonly TriggerFinding[] }
}

export interface TriggersRequests {
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
