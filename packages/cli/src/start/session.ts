import { createBus, type Logger } from '@aimq/events'
import { untilAborted } from '../until-aborted.ts'
import { compose } from './compose.ts'
import type { Config } from './config.ts'
import { drain } from './drain.ts'
import { logJob } from './job-log.ts'
import type { HandlerRecord } from './load-handlers.ts'
import { logPayloads } from './log-payloads.ts'
import type { Output } from './output.ts'
import { nothingOfItsOwn, type WorkerProgram } from './program.ts'
import type { StopWatch } from './signals.ts'
import { watchJobs } from './watch-jobs.ts'

export interface SessionContext {
  readonly output: Output
  readonly log: Logger
  /** For a line per job. */
  readonly bulk: Logger
  readonly stop: StopWatch
}

/** Works jobs from start to stop. Resolves to whether the queues were drained, as opposed to being told to stop. */
export async function runSession<Own extends object>(
  program: WorkerProgram<Own>,
  config: Config & Own,
  given: HandlerRecord,
  { output, log, bulk, stop }: SessionContext,
): Promise<boolean> {
  const bus = createBus({ logger: log })
  const { note } = watchJobs(bus, (job) => {
    own.onJob(job)
    if (report === undefined) logJob(bulk, job)
    else report.job(job)
  })
  // Its handler may compute for minutes, or take the process down.
  bus.on('worker:job-started', output.flush)
  const own = program.extension?.begin(config, { bus, log, output, note }) ?? nothingOfItsOwn
  const { report } = own
  const handlers = { ...own.handlers, ...given }

  const logged = config.logPayloads ? logPayloads(handlers, log) : handlers
  const app = await compose(config, bus, logged, { log, stop, stepsFrom: program.stepsFrom, own })
  if (app === undefined) return false
  log.info(
    { queues: Object.keys(handlers), created: app.created, database: app.database.location },
    'worker started',
  )
  if (!bus.canRequest('realtime:status')) {
    log.info({ pollIntervalMs: config.pollIntervalMs }, 'nothing wakes this worker: it polls')
  }
  stop.requested.addEventListener('abort', () => {
    log.info({ cause: stop.cause?.kind, gracePeriodMs: config.gracePeriodMs }, 'worker stops')
    if (stop.cause?.kind === 'signal')
      report?.line('\nStopping: jobs in hand may finish. Again to hand them back now.')
  })
  const signal = stop.requested
  try {
    await own.run(app, signal)
    if (!config.drain) await untilAborted(signal)
    else await drain(bus, Object.keys(handlers), report?.line ?? ((text) => log.info({}, text)), signal)
    return !signal.aborted
  } catch (thrown) {
    if (signal.aborted) return false
    throw thrown
  } finally {
    await app.close()
    own.close()
    log.info({}, 'worker stopped')
    report?.line(signal.aborted ? 'Stopped.' : 'Drained.')
  }
}
