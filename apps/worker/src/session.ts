import { createBus, type Logger } from '@aimq/events'
import { compose } from './compose.ts'
import type { Config } from './config.ts'
import { drain } from './drain.ts'
import { builtInHandlers, webhookSecrets } from './handlers/built-in.ts'
import { logJob } from './job-log.ts'
import type { HandlerRecord } from './load-handlers.ts'
import { logPayloads } from './log-payloads.ts'
import type { Output } from './output.ts'
import { createReport } from './report.ts'
import { runDemo } from './samples/demo.ts'
import { createTally } from './samples/tally.ts'
import type { StopWatch } from './signals.ts'
import { watchJobs } from './watch-jobs.ts'

export interface SessionContext {
  readonly output: Output
  readonly log: Logger
  readonly stop: StopWatch
}

/** Works jobs from start to stop. Resolves to whether the queues were drained, as opposed to being told to stop. */
export async function runSession(
  config: Config,
  given: HandlerRecord,
  { output, log, stop }: SessionContext,
): Promise<boolean> {
  const bus = createBus({ logger: log })
  const report = config.samples && config.logFormat === 'pretty' ? createReport(output) : undefined
  const tally = createTally()
  const { note } = watchJobs(bus, (job) => {
    tally.add(job)
    if (report === undefined) logJob(log, job)
    else report.job(job)
  })
  const secrets = webhookSecrets(config.environment)
  if (config.samples && secrets.random && report === undefined) {
    log.warn({}, 'WEBHOOK_SECRET is not set: webhooks are signed with a secret that was made up')
  }
  const handlers = { ...(config.samples ? builtInHandlers(config, secrets, note) : {}), ...given }

  const logged = config.logPayloads ? logPayloads(handlers, log) : handlers
  const app = await compose(config, bus, logged, { log, stop }, async ({ dataDir }) => {
    if (config.samples && dataDir !== undefined) await secrets.shareIn(dataDir)
  })
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
  const afterwards: (() => void)[] = []
  const signal = stop.requested
  try {
    if (config.samples) await runDemo({ config, bus, app, secrets, tally, report, signal, afterwards })
    if (!config.drain) await untilAborted(signal)
    else await drain(bus, Object.keys(handlers), report?.line ?? ((text) => log.info({}, text)), signal)
    return !signal.aborted
  } catch (thrown) {
    if (signal.aborted) return false
    throw thrown
  } finally {
    await app.close()
    for (const close of afterwards) close()
    log.info({}, 'worker stopped')
    report?.line(signal.aborted ? 'Stopped.' : 'Drained.')
  }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}
