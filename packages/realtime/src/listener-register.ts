import { type Clock, summarizeError } from '@aimq/events'
import { isSome, type Queues, Unheard, without } from './unheard.ts'

/*
 * The database's triggers (another step, which may be missing) notify only while somebody waits to be told, because
 * NOTIFY serialises commits: a listener stands in `aimq.listener` with the queues it does not wait for, `awake`. This
 * keeps the row of one connection true.
 *
 *   absent ──installed──▶ writing ──▶ arming ──every producer that may have looked too early is done──▶ armed
 *     ▲                      │  ▲                                                                         │
 *     └──────uninstalled─────┘  └──────────────── another list, or the row may be gone ◀──────────────────┘
 *
 * Arming: a producer's transaction that looked at the table before our row was committed tells nobody, and may commit
 * at any later time. So once the row is committed we take a transaction id, the fence: whoever looked before has an
 * older one. (The end of a snapshot would not do, for it leaves out younger transactions that already run.) Once no
 * older one runs, whatever they committed can be read, and workers are told to look. Until then they are told so every
 * second, so that one long transaction does not keep the jobs of others waiting.
 *
 * Whatever fails, fails towards «notify»: a row that stays after us costs notifications nobody needs.
 */

const installed = `exists (select from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
  where nspname = 'aimq' and proname = 'register_listener')`
/** Sends a payload, and says whether there is a register, for not one statement more. */
export const notifyAndLook = `select pg_notify($1, $2), ${installed} as installed`

const queries = {
  installed: `select ${installed} as installed`,
  register: 'select aimq.register_listener($1::uuid, $2::text[])',
  forget: 'select aimq.forget_listener($1::uuid)',
  // The snapshot is older than the id: what began in between counts as running.
  fence:
    'select fence::text, pg_snapshot_xmin(pg_current_snapshot()) >= fence as armed from pg_current_xact_id() as fence',
  check: 'select pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8 as armed',
}

/** Rows older than five minutes are pruned by other listeners. */
const refreshMs = 200_000
const prunedAfterMs = 240_000
const checkMs = { first: 1, most: 1000 }
const retryMs = { first: 100, most: 5000 }
/** A refusal that a person has to mend is tried again so often. */
const refusedRetryMs = 10_000
/** Failures of other kinds in a row, after which the path is not to be relied on. */
const patience = 3
/** Anybody may say that listeners are wanted. */
const wantedAtMostEveryMs = 1000
const leaveWithinMs = 500

type TimerName = 'write' | 'check' | 'wanted'

export interface RegisterOptions {
  readonly clock: Clock
  /** On the session that listens. */
  readonly query: (
    text: string,
    values?: unknown[],
  ) => Promise<{ rows: readonly Readonly<Record<string, unknown>>[] }>
  /** Queues of which we need not be told. */
  readonly awake: ReadonlySet<string>
  /** Ids of rows that may stand, of this connection and of those before it. */
  readonly ids: Set<string>
  /** Somebody may have sent without telling us: look at these queues; undefined: at all. */
  readonly onMissed: (queues: readonly string[] | undefined) => void
  /** Why the triggers may not tell us; undefined: they do again. */
  readonly onDoubt: (cause: string | undefined) => void
}

export class ListenerRegister {
  readonly #options: RegisterOptions
  // One for each connection: a statement of an earlier one may yet arrive, and must not change what we rely on.
  readonly #id: string = crypto.randomUUID()
  #awake: ReadonlySet<string>
  /** There is a register to write to. */
  #known = false
  /** What our row says, if it stands. */
  #written: ReadonlySet<string> = new Set()
  #writtenAt = { monotonic: 0, now: 0 }
  readonly #unheard: Unheard
  #fence: string | undefined
  #checkAfterMs = checkMs.first
  #failures = 0
  #doubt: string | undefined
  #running: Promise<void> | undefined
  #writeWanted = false
  #checkWanted = false
  #wantedAgain = false
  /** Our row may be gone, whatever we wrote. */
  #mayBeGone = true
  #closed = false
  readonly #timers = new Map<TimerName, Disposable>()

  constructor(options: RegisterOptions) {
    this.#options = options
    this.#awake = options.awake
    this.#unheard = new Unheard(options.clock, options.onMissed)
  }

  /** Registers, if there is a register. */
  async start(): Promise<void> {
    const { rows } = await this.#options.query(queries.installed)
    if (rows[0]?.installed === true) await this.found()
  }

  /** There is a register: it may have been installed just now. */
  async found(): Promise<void> {
    if (this.#known) return
    this.#known = true
    await this.#write()
  }

  /** Somebody installed the triggers, or says so: our row may be gone. */
  wanted(): void {
    this.#wantedAgain = true
    if (!this.#timers.has('wanted')) this.#followWanted()
  }

  setAwake(awake: ReadonlySet<string>): void {
    this.#awake = awake
    if (this.#known) void this.#write()
  }

  /** Takes our rows away, within half a second, or leaves them to be pruned. */
  async leave(): Promise<void> {
    this.close()
    if (!this.#known) return
    const { clock } = this.#options
    const { promise: tooLong, resolve } = Promise.withResolvers<void>()
    using _ = clock.timer(leaveWithinMs, resolve)
    await Promise.race([this.#forget().catch(() => {}), tooLong])
  }

  /** The connection is gone, or about to go. */
  close(): void {
    this.#closed = true
    for (const timer of this.#timers.values()) timer[Symbol.dispose]()
    this.#timers.clear()
    this.#unheard.close()
  }

  #followWanted(): void {
    if (!this.#wantedAgain) return
    this.#wantedAgain = false
    this.#mayBeGone = true
    this.#arm('wanted', wantedAtMostEveryMs, () => this.#followWanted())
    if (this.#known) void this.#write()
    else this.start().catch(() => {})
  }

  // --- one statement at a time, and the latest wish counts

  #write(): Promise<void> {
    this.#writeWanted = true
    return this.#run()
  }

  #run(): Promise<void> {
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #work(): Promise<void> {
    while (!this.#closed && (this.#writeWanted || this.#checkWanted)) {
      const writes = this.#writeWanted
      if (writes) this.#writeWanted = false
      else this.#checkWanted = false
      try {
        await (writes ? this.#register() : this.#check())
      } catch (thrown) {
        if (!this.#closed) this.#failed(thrown)
      }
    }
  }

  async #register(): Promise<void> {
    const { clock, query, ids } = this.#options
    const awake = this.#awake
    const asleep: Queues =
      this.#mayBeGone || this.#ageMs() > prunedAfterMs ? 'all' : without(this.#written, awake)
    // Noted first: from now until they are armed, workers look every second.
    this.#unheard.add(asleep, awake)
    ids.add(this.#id)
    this.#mayBeGone = false
    await query(queries.register, [this.#id, [...awake]])
    this.#written = awake
    this.#writtenAt = { monotonic: clock.monotonic(), now: clock.now() }
    this.#failures = 0
    this.#setDoubt(undefined)
    this.#arm('write', refreshMs, () => void this.#write())
    if (isSome(asleep)) {
      this.#fence = undefined
      this.#checkAfterMs = checkMs.first
    }
    this.#checkWanted = this.#unheard.isSome
    // What stays, for want of a right to take it away, is pruned by others.
    await this.#forget(this.#id).catch(() => {})
  }

  async #check(): Promise<void> {
    const { query } = this.#options
    const { rows } =
      this.#fence === undefined ? await query(queries.fence) : await query(queries.check, [this.#fence])
    const [row] = rows
    if (typeof row?.fence === 'string') this.#fence = row.fence
    if (row?.armed === true) {
      this.#armed()
      return
    }
    this.#arm('check', this.#checkAfterMs, () => {
      this.#checkWanted = true
      void this.#run()
    })
    this.#checkAfterMs = Math.min(this.#checkAfterMs * 2, checkMs.most)
  }

  #failed(thrown: unknown): void {
    const { code, message } = summarizeError(thrown)
    this.#mayBeGone = true
    this.#failures++
    if (code === '42883' || code === '3F000') {
      this.#gone()
      return
    }
    const refusal = explainRefusal(code, message)
    if (refusal !== undefined) this.#setDoubt(refusal)
    else if (this.#failures >= patience) this.#setDoubt(`listeners cannot be registered: ${message}`)
    const backoff = Math.min(retryMs.most, retryMs.first * 2 ** Math.min(this.#failures - 1, 10))
    this.#arm('write', refusal === undefined ? backoff : refusedRetryMs, () => void this.#write())
  }

  /** Uninstalled: nobody asks the register any more, and whoever installs it again says so. */
  #gone(): void {
    this.#known = false
    this.#disarm('write')
    this.#setDoubt(undefined)
    this.#armed()
  }

  /** Takes away rows of connections before this one; or all. */
  async #forget(except?: string): Promise<void> {
    const { query, ids } = this.#options
    for (const id of ids) {
      if (id === except) continue
      await query(queries.forget, [id])
      ids.delete(id)
    }
  }

  #ageMs(): number {
    const { clock } = this.#options
    // The monotonic clock stands still while the machine sleeps.
    return Math.max(
      clock.monotonic() - this.#writtenAt.monotonic,
      Math.abs(clock.now() - this.#writtenAt.now),
    )
  }

  #armed(): void {
    this.#disarm('check')
    this.#unheard.end()
    this.#fence = undefined
  }

  #setDoubt(cause: string | undefined): void {
    if (cause === this.#doubt) return
    this.#doubt = cause
    this.#unheard.mute(cause !== undefined)
    this.#options.onDoubt(cause)
  }

  #arm(name: TimerName, ms: number, callback: () => void): void {
    this.#disarm(name)
    if (this.#closed) return
    const timer = this.#options.clock.timer(ms, () => {
      this.#timers.delete(name)
      callback()
    })
    this.#timers.set(name, timer)
  }

  #disarm(name: TimerName): void {
    this.#timers.get(name)?.[Symbol.dispose]()
    this.#timers.delete(name)
  }
}

/** Why a role may not register, with what mends it; undefined: for another reason. */
function explainRefusal(code: string | undefined, message: string): string | undefined {
  if (code === '42501') {
    return `the database's triggers tell only listeners that are registered, and this role may not register: grant it USAGE on schema aimq, and EXECUTE on function aimq.register_listener(uuid, text[]) and aimq.forget_listener(uuid) (the database said: ${message})`
  }
  if (code === '25006') {
    return `the database's triggers tell only listeners that are registered, and this session may only read: default_transaction_read_only must be off for it (the database said: ${message})`
  }
  return undefined
}
