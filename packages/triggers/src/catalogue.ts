import type { Session } from './database.ts'
import { packageName } from './ledger.ts'
import { sqlOf } from './sql.ts'

export interface FoundFunction {
  readonly name: string
  /** `id uuid, awake text[]` */
  readonly arguments: string
  readonly body: string
  readonly language: string
  readonly definer: boolean
  /** `v`, `s` or `i` */
  readonly volatility: string
  readonly settings: readonly string[] | null
  readonly comment: string | null
  /** Whether PUBLIC may execute it. */
  readonly public: boolean
}

export interface FoundTable {
  readonly schema: string
  readonly name: string
  /** `r`, or `p` for a partitioned one. */
  readonly kind: string
  /** `p` for permanent, `u` for unlogged. */
  readonly persistence: string
  readonly columns: readonly string[]
  /** Whether the role of this session has the rights of its owner. */
  readonly owned: boolean
  /** Whether PUBLIC has any right on it. */
  readonly public: boolean
}

export interface FoundTrigger {
  readonly name: string
  readonly schema: string
  readonly table: string
  readonly function: {
    readonly schema: string
    readonly name: string
    readonly settings: readonly string[] | null
    /** Only of functions of the Python project. */
    readonly body: string | null
  }
  /** `O` fires, `D` is disabled, `R` fires only where replication applies rows, `A` there too. */
  readonly enabled: string
  readonly arguments: readonly string[]
  /** As PostgreSQL writes it. */
  readonly definition: string
  readonly comment: string | null
}

/** A function of schema `pgmq_public` that others than its owner and `service_role` may call. */
export interface ExposedFunction {
  readonly name: string
  /** `pgmq_public.pop(text)` */
  readonly signature: string
  readonly definer: boolean
  /** `PUBLIC`, `anon`, `authenticated` */
  readonly callers: readonly string[]
}

export interface FoundPolicy {
  readonly name: string
  readonly command: string
  readonly roles: readonly string[] | null
  readonly using: string | null
}

/** What is in the database, as far as it concerns us. */
export interface Catalogue {
  readonly schema: boolean
  readonly pgmq: boolean
  /** Whether there is a `realtime.send`. */
  readonly realtime: boolean
  /** Whether there is a `realtime.messages`. */
  readonly messages: boolean
  /** Those of schema `aimq`. */
  readonly functions: readonly FoundFunction[]
  /** Those of schema `aimq`, and queues. */
  readonly tables: readonly FoundTable[]
  /** Those on queues, on tables of schema `aimq`, and any that executes a function of schema `aimq`. */
  readonly triggers: readonly FoundTrigger[]
  readonly exposed: readonly ExposedFunction[]
  /** Those on `realtime.messages`. */
  readonly policies: readonly FoundPolicy[]
  /** Names in pgmq's own list, as they were typed. */
  readonly queues: readonly string[]
  /** Name → checksum of what our package has noted in the ledger. */
  readonly ledger: ReadonlyMap<string, string>
  /** Whether another package has noted something there. */
  readonly shared: boolean
  /** Whose sessions fire no trigger, as ALTER takes it: `role ada in database app`. */
  readonly replicas: readonly string[]
  /** Queues with a row that throttles their Realtime hints. */
  readonly throttled: ReadonlySet<string>
}

export async function readCatalogue(session: Session): Promise<Catalogue> {
  const [row = {}] = await session.query(sqlOf('queries/catalogue'))
  const tables = row.tables as FoundTable[]
  const has = (name: string) => tables.some((table) => table.schema === 'aimq' && table.name === name)
  const queues = row.pgmq === true ? await session.query(sqlOf('queries/queues')) : []
  const ledger = has('migration') ? await session.query(sqlOf('queries/ledger')) : []
  const throttled = has('last_hint') ? await session.query('select queue from aimq.last_hint') : []
  return {
    schema: row.schema === true,
    pgmq: row.pgmq === true,
    realtime: row.realtime === true,
    messages: row.messages === true,
    functions: row.functions as FoundFunction[],
    tables,
    triggers: (row.triggers as (FoundTrigger & { arguments: string })[]).map((trigger) => ({
      ...trigger,
      arguments: decodeArguments(trigger.arguments),
    })),
    exposed: row.exposed as ExposedFunction[],
    policies: row.policies as FoundPolicy[],
    replicas: row.replicas as string[],
    queues: queues.map(({ name }) => String(name)),
    ledger: new Map(
      ledger
        .filter((entry) => entry.package === packageName)
        .map(({ name, checksum }) => [String(name), String(checksum)]),
    ),
    shared: ledger.some((entry) => entry.package !== packageName),
    throttled: new Set(throttled.map(({ queue }) => String(queue))),
  }
}

/** PostgreSQL keeps a trigger's arguments as bytes, each ended by a zero. */
function decodeArguments(hex: string): string[] {
  return Buffer.from(hex, 'hex').toString('utf8').split('\0').slice(0, -1)
}
