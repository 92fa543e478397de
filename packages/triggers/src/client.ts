import {
  type Clock,
  type RequestInput,
  type RequestOutput,
  systemClock,
  type TriggerChange,
  type TriggerPath,
} from '@aimq/events'
import { apply, listenersWanted, tablesOf } from './apply.ts'
import { type Catalogue, readCatalogue } from './catalogue.ts'
import { type Database, openDatabase } from './database.ts'
import { TriggersError } from './errors.ts'
import { parseInput } from './inputs.ts'
import { listTriggers } from './list.ts'
import { migrationFor } from './migration.ts'
import {
  type QueueTriggerSettings,
  resolveOptions,
  settingsFrom,
  type TriggersClientOptions,
  triggerDefaults,
} from './options.ts'
import { type Plan, planInstall, planRemoval, planRepair } from './plan.ts'
import { assertCovered, planPolicy, planPolicyRemoval, policyState, requireMessages } from './policy.ts'
import { rolesSql } from './roles.ts'
import type { RolesOptions } from './roles-options.ts'
import { type TableJobsClient, type TableJobsObserver, tableJobsOn } from './table-jobs.ts'

export interface CallOptions {
  /** Looked at before each statement; one that is under way is not cut off. */
  readonly signal?: AbortSignal
}

type Input<Name extends 'install' | 'remove' | 'list' | 'plan' | 'repair' | 'migration'> =
  RequestInput<`triggers:${Name}`>
type Output<Name extends 'install' | 'remove' | 'list' | 'plan' | 'repair' | 'migration'> = Promise<
  RequestOutput<`triggers:${Name}`>
>

/** Installs, removes and looks after the triggers by which the database tells of every enqueue. */
export interface TriggersClient extends TableJobsClient {
  /**
   * Gives queues a trigger, those that are named or all. Does nothing where all is as wanted; all or nothing.
   *
   * @throws `triggers/queue-missing`, `triggers/unsupported-queue`, `triggers/foreign-trigger`,
   * `triggers/realtime-missing`, `triggers/busy`
   */
  install(input?: Input<'install'>, call?: CallOptions): Output<'install'>
  /** What {@link install} would do. Changes nothing. */
  plan(input?: Input<'plan'>, call?: CallOptions): Output<'plan'>
  /** Takes triggers away; with the last of them everything that this package made. Queues and messages stay. */
  remove(input?: Input<'remove'>, call?: CallOptions): Output<'remove'>
  /** What is there and what is wrong with it; without names of queues the table jobs as well. */
  list(input?: Input<'list'>, call?: CallOptions): Output<'list'>
  /** Mends what {@link list} finds wrong with triggers that stand, and gives the named queues theirs; without names the table jobs as well. */
  repair(input?: Input<'repair'>, call?: CallOptions): Output<'repair'>
  /** The same as {@link install} or {@link remove} as a SQL file. Needs no database. */
  migration(input: Input<'migration'>): Output<'migration'>
  /** What {@link rolesSql} makes of the options; with `apply` it is run as well, in one transaction. */
  roles(
    options: RolesOptions & { readonly apply?: boolean },
    call?: CallOptions,
  ): Promise<RequestOutput<'triggers:roles'>>
}

/** Told of what was done. */
export interface ClientObserver extends TableJobsObserver {
  installed?(queue: string, paths: readonly TriggerPath[]): void
  removed?(queue: string): void
}

/** @throws `triggers/invalid-options` at once, with all faults */
export function createTriggersClient(options: TriggersClientOptions): TriggersClient {
  return triggersClientOn(openDatabase(resolveOptions(options)), {
    usual: triggerDefaults,
    clock: systemClock,
    observer: {},
  })
}

export interface ClientContext {
  /** What a trigger does when it is not said. */
  readonly usual: QueueTriggerSettings
  readonly clock: Clock
  readonly observer: ClientObserver
}

export function triggersClientOn(database: Database, context: ClientContext): TriggersClient {
  const { usual, clock, observer } = context

  /** Plans and applies in one transaction, so that what is done is what was planned. */
  async function change(
    plan: (found: Catalogue) => Plan,
    call: CallOptions,
    channel?: string,
  ): Promise<Plan> {
    let changes: readonly TriggerChange[] = []
    return database.change(
      () => tablesOf(changes),
      async (session) => {
        const planned = plan(await readCatalogue(session))
        changes = planned.changes
        await apply(session, changes)
        if (channel !== undefined && changes.length > 0) await session.query(listenersWanted(channel))
        return planned
      },
      call.signal,
    )
  }

  /** In a transaction after the one that did what `done` says. */
  function afterwards(plan: (found: Catalogue) => Plan, call: CallOptions, done: string): Promise<Plan> {
    return change(plan, call).catch((thrown) => {
      if (!(thrown instanceof TriggersError)) throw thrown
      throw new TriggersError(thrown.code, `${done}: ${thrown.message}`, { cause: thrown.cause })
    })
  }

  const tableJobs = tableJobsOn(database, clock, observer)
  const look = (call: CallOptions) => database.look(readCatalogue, call.signal)

  return {
    ...tableJobs,
    async roles({ apply = false, ...options }, call = {}) {
      const sql = rolesSql(options)
      if (apply)
        await database.change(
          () => [],
          (session) => session.query(sql),
          call.signal,
        )
      return { sql, applied: apply }
    },
    async install(input = {}, call = {}) {
      const { queues, replaceForeign = false, policy = false, ...wish } = parseInput('install', input)
      const settings = settingsFrom(wish, usual)
      if (policy) assertCovered(settings.channel)
      const done = await change(
        (found) => {
          if (policy) requireMessages(found)
          return planInstall(found, queues, settings, replaceForeign, usual)
        },
        call,
        settings.channel,
      )
      for (const wish of done.touched) observer.installed?.(wish.queue, wish.settings.paths)
      if (!policy) return { changes: done.changes }
      const also = await afterwards(planPolicy, call, 'the triggers are installed, the policy is not')
      return { changes: [...done.changes, ...also.changes] }
    },
    async plan(input = {}, call = {}) {
      const { queues, replaceForeign = false, policy = false, ...wish } = parseInput('plan', input)
      const settings = settingsFrom(wish, usual)
      if (policy) assertCovered(settings.channel)
      const found = await look(call)
      if (policy) requireMessages(found)
      const { changes } = planInstall(found, queues, settings, replaceForeign, usual)
      if (!policy) return { changes }
      const objects = changes.map(({ object }) => object)
      const also = planPolicy(found).changes.filter(({ object }) => !objects.includes(object))
      return { changes: [...changes, ...also] }
    },
    async remove(input = {}, call = {}) {
      const { queues } = parseInput('remove', input)
      const done = await change((found) => planRemoval(found, queues), call)
      for (const { queue } of done.touched) observer.removed?.(queue)
      const also = await afterwards(planPolicyRemoval, call, 'the triggers are removed, the policy is not')
      return { changes: [...done.changes, ...also.changes] }
    },
    async list(input = {}, call = {}) {
      const { queues } = parseInput('list', input)
      const found = await look(call)
      const policy = policyState(found)
      return {
        triggers: [
          ...listTriggers(found, queues, usual),
          ...(queues === undefined ? (await tableJobs.listTableJobs({}, call)).triggers : []),
        ],
        ...(policy === undefined ? {} : { policy }),
      }
    },
    async repair(input = {}, call = {}) {
      const { queues } = parseInput('repair', input)
      const done = await change((found) => planRepair(found, queues, usual), call, usual.channel)
      for (const { queue, settings } of done.touched) observer.installed?.(queue, settings.paths)
      const jobs = queues === undefined ? (await tableJobs.repairTableJobs({}, call)).changes : []
      return { changes: [...done.changes, ...jobs] }
    },
    async migration(input) {
      const wish = parseInput('migration', input)
      return migrationFor(wish, settingsFrom(wish, usual), clock)
    },
  }
}
