/** Where a subject lives: a database of its own on the one server, and Redis for those that use it. */
export interface Place {
  readonly postgres: string
  readonly redisPort?: number | undefined
  /** The local Realtime server on that database, for who is woken by it. */
  readonly realtime?: { readonly url: string; readonly key: string } | undefined
}

/** What every job carries. */
export interface Payload {
  /** 0, 1, 2, …: tells what is missing and what ran twice. */
  readonly n: number
  /** Microseconds, monotonic: just before it was sent. Only where latency is measured. */
  readonly sentAt?: number
}

export type Handler = (payload: Payload) => Promise<void>

export interface WorkWish {
  readonly handler: Handler
  /** Jobs at once, where the workload asks for a number; without it the subject's own setting. */
  readonly concurrency?: number | undefined
}

/** Something that works jobs. Runs in a process of its own. */
export interface RunningWorker {
  /** Connected and looking for jobs. */
  stop(): Promise<void>
}

/** Something that sends jobs. Runs in a process of its own. Every promise means «committed». */
export interface Producer {
  send(payload: Payload, delayMs?: number): Promise<void>
  sendMany(payloads: readonly Payload[], delayMs?: number): Promise<void>
  close(): Promise<void>
}

/** Looks from outside, in the process that measures. */
export interface Inspector {
  /** Whether nothing is left but jobs that are delayed by an hour, as the database (or Redis) says. */
  isEmpty(): Promise<boolean>
  /** Jobs that are not done. */
  count(): Promise<number>
  /** Takes everything away, done jobs and archives too, and leaves the tables vacuumed and analyzed. */
  clear(): Promise<void>
  /** Tables vacuumed and analyzed, after they were filled. */
  settle(): Promise<void>
  close(): Promise<void>
}

/** One contestant with one choice of settings. */
export interface Subject {
  /** As the table says it. */
  readonly label: string
  /** What differs from its defaults, in words. */
  readonly settings: string
  readonly needsRedis: boolean
  /** Makes tables and queues, once for each database. */
  prepare(place: Place): Promise<void>
  inspect(place: Place): Promise<Inspector>
  /** @param inFlight how many calls will be in flight at once */
  produce(place: Place, inFlight: number): Promise<Producer>
  work(place: Place, wish: WorkWish): Promise<RunningWorker>
}
