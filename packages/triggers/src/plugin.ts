import {
  createService,
  Disposables,
  type Plugin,
  parseOptions,
  type Service,
  type TriggerState,
} from '@aimq/events'
import * as v from 'valibot'
import { type TriggersClient, triggersClientOn } from './client.ts'
import { openDatabase } from './database.ts'
import {
  clientEntries,
  oneSource,
  type QueueTriggerSettings,
  queuesEntry,
  refuse,
  settingsEntries,
  settingsFrom,
  type TriggersClientOptions,
  triggerDefaults,
} from './options.ts'

import { assertCovered } from './policy.ts'
import type { TableJobs } from './table-job.ts'
import { resolveTableJob } from './table-options.ts'

export interface TriggersOptions extends TriggersClientOptions, Partial<QueueTriggerSettings> {
  /** Queues that get their triggers at the start. Without it nothing is installed until `triggers:install` asks. */
  readonly queues?: readonly string[]
  /** Table changes that are made into jobs at the start. */
  readonly tableJobs?: TableJobs
  /** Replace triggers of the Python project and of `pgmq.enable_notify_insert`. @default false */
  readonly replaceForeign?: boolean
  /** Also install the policy that lets workers hear private Realtime topics; together with `queues`. @default false */
  readonly policy?: boolean
  /**
   * How often to look whether `queues` and `tableJobs` still have their triggers, in milliseconds; 0 for never. A restored dump or a
   * `drop extension pgmq cascade` takes them away without a word.
   * @default 600_000
   */
  readonly checkIntervalMs?: number
}

/** The triggers step, running on a bus. */
export interface TriggersService extends Service {
  /** The client behind the requests. */
  readonly client: TriggersClient
}

const longestIntervalMs = 86_400_000
const intervalMessage = `expected 0, or a whole number of milliseconds from 100 to ${longestIntervalMs}`

const schema = v.pipe(
  v.strictObject({
    ...clientEntries,
    ...settingsEntries,
    queues: queuesEntry,
    tableJobs: v.optional(
      v.array(v.custom<TableJobs[number]>((job) => typeof job === 'object' && job !== null)),
      [],
    ),
    replaceForeign: v.optional(v.boolean(), false),
    policy: v.optional(v.boolean(), false),
    checkIntervalMs: v.optional(
      v.pipe(
        v.number(intervalMessage),
        v.check(
          (value) => value === 0 || (Number.isInteger(value) && value >= 100 && value <= longestIntervalMs),
          intervalMessage,
        ),
      ),
      600_000,
    ),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    const message = oneSource(dataset.value)
    if (message !== undefined) addIssue({ message })
    if (dataset.typed && dataset.value.policy && (dataset.value.queues ?? []).length === 0) {
      addIssue({
        message: 'expected queues beside policy: true, which is installed together with their triggers',
      })
    }
  }),
)

/**
 * Step 4 on a bus: gives `queues` and `tableJobs` their triggers at the start, answers every `triggers:*` request, and says
 * `triggers:trigger-drifted` when a trigger is found to be other than it should.
 *
 * @throws `triggers/invalid-options` at once, with all faults
 */
export function triggers(options: TriggersOptions): Plugin<TriggersService> {
  const resolved = parseOptions('triggers()', schema, options, refuse)
  const wantedJobs = resolved.tableJobs.map((job) => resolveTableJob(job).name)
  if (resolved.policy) assertCovered(settingsFrom(resolved, triggerDefaults).channel)
  const { queues = [], tableJobs, replaceForeign, policy, checkIntervalMs } = resolved
  return {
    name: 'triggers',
    create({ bus, logger, clock }) {
      const client = triggersClientOn(openDatabase({ ...resolved, logger: resolved.logger ?? logger }), {
        usual: settingsFrom(resolved, triggerDefaults),
        clock,
        observer: {
          installed: (queue, paths) => bus.emit('triggers:trigger-installed', { queue, paths }),
          removed: (queue) => bus.emit('triggers:trigger-removed', { queue }),
          tableJobInstalled: (job) => bus.emit('triggers:table-job-installed', job),
          tableJobRemoved: (name) => bus.emit('triggers:table-job-removed', { name }),
        },
      })
      const parts = new Disposables()
      /** What was last said of each queue, so that each thing is said once. */
      const told = new Map<string, string>()

      function tell(triggers: readonly TriggerState[]): void {
        for (const { name, kind, installed, findings } of triggers) {
          const now = JSON.stringify(findings)
          const wanted = kind === 'table' ? wantedJobs.includes(name) : queues.includes(name)
          if (findings.length > 0 && (installed || wanted) && told.get(`${kind} ${name}`) !== now) {
            if (kind === 'table') bus.emit('triggers:table-job-drifted', { name, findings })
            else bus.emit('triggers:trigger-drifted', { queue: name, findings })
          }
          told.set(`${kind} ${name}`, now)
        }
      }

      async function check(): Promise<void> {
        try {
          if (queues.length > 0) tell((await client.list({ queues })).triggers)
          if (tableJobs.length > 0) tell((await client.listTableJobs({ names: wantedJobs })).triggers)
        } catch (thrown) {
          logger.warn({ cause: (thrown as Error).message }, 'the triggers could not be looked at')
        }
      }

      function answer(): void {
        const handle: typeof bus.handle = (...args) => parts.add(bus.handle(...args))
        handle('triggers:install', (input, call) => client.install(input, call))
        handle('triggers:remove', (input, call) => client.remove(input, call))
        handle('triggers:plan', (input, call) => client.plan(input, call))
        handle('triggers:repair', async (input, call) => {
          if (queues.length === 0 || input.queues !== undefined) return client.repair(input, call)
          // Ours get what is missing; then whatever stands is mended, as list tells of all.
          const { changes } = await client.repair({ queues }, call)
          return { changes: [...changes, ...(await client.repair({}, call)).changes] }
        })
        handle('triggers:roles', (input, call) => client.roles(input, call))
        handle('triggers:install-table', (input, call) => client.installTableJobs(input, call))
        handle('triggers:plan-table', (input, call) => client.planTableJobs(input, call))
        handle('triggers:remove-table', (input, call) => client.removeTableJobs(input, call))
        handle('triggers:table-migration', (input) => client.tableMigration(input))
        handle('triggers:migration', (input) => client.migration(input))
        handle('triggers:list', async (input, call) => {
          const list = await client.list(input, call)
          tell(list.triggers)
          return list
        })
      }

      const service = createService({
        name: 'triggers',
        async start(signal) {
          if (queues.length > 0) await client.install({ queues, replaceForeign, policy }, { signal })
          if (tableJobs.length > 0) await client.installTableJobs({ jobs: tableJobs }, { signal })
          answer()
          if (queues.length + tableJobs.length === 0 || checkIntervalMs === 0) return
          const timer = setInterval(check, checkIntervalMs)
          timer.unref()
          parts.add({ [Symbol.dispose]: () => clearInterval(timer) })
        },
        async stop() {
          parts[Symbol.dispose]()
          told.clear()
        },
      })
      return Object.defineProperty(service, 'client', { value: client, enumerable: true }) as TriggersService
    },
  }
}
