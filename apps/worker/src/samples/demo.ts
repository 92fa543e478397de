import { relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type App, describeWakeUps, firstWakeUpStatus, queueLine, type Report } from '@aimq/cli/start'
import type { Bus } from '@aimq/events'
import type { WebhookSecrets } from '../handlers/built-in.ts'
import { digestsQueue } from '../handlers/digests.ts'
import { webhooksQueue } from '../handlers/webhooks.ts'
import { claimed } from './claim.ts'
import type { SamplesConfig } from './config.ts'
import { isUntouched, leftReceiverPort, sendSampleJobs } from './jobs.ts'
import { moreSteps, nextSteps } from './next-steps.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import type { Tally } from './tally.ts'

export interface DemoContext {
  readonly config: SamplesConfig
  readonly bus: Bus
  readonly app: App
  readonly secrets: WebhookSecrets
  readonly tally: Tally
  /** Undefined: stdout is for logs. The jobs run all the same. */
  readonly report: Report | undefined
  readonly signal: AbortSignal
  /** Run when the worker has stopped: jobs in hand may still be sending to the receiver. */
  readonly afterwards: (() => void)[]
}

/**
 * On the first run: sends the sample jobs, waits for them and sums up. On later runs: says what is in the queues.
 */
export async function runDemo(context: DemoContext): Promise<void> {
  const { config, bus, app, secrets, report } = context
  report?.line('AIMQ worker')
  report?.fact('database', await describeDatabase(bus, app.database))
  if (report !== undefined) {
    const status = await firstWakeUpStatus(bus, context.signal)
    report.fact('wake-ups', describeWakeUps(status, config.pollIntervalMs))
  }
  if (app.database.dataDir !== undefined) report?.fact('data', shownPath(app.database.dataDir))
  if (secrets.random) report?.fact('signing', 'with a secret that was made up; WEBHOOK_SECRET sets your own')
  const queues = [digestsQueue.name, webhooksQueue.name]
  const open = async (port: number) => {
    const receiver = await startReceiver(secrets.of(undefined) ?? '', port)
    context.afterwards.push(receiver.close)
    return receiver
  }
  const fill = async () =>
    (await isUntouched(bus, queues)) ? beginFirstRun(context, await open(0)) : undefined
  const { dataDir } = app.database
  const begun = !config.sampleJobs
    ? undefined
    : await (dataDir === undefined ? fill() : claimed(dataDir, fill))
  const first = begun !== undefined
  if (begun !== undefined) await endFirstRun(context, begun)
  else {
    const leftPort = await leftReceiverPort(bus)
    if (leftPort > 0) await open(leftPort)
    if (report !== undefined) await sayWhatIsThere(bus, report)
  }
  if (!config.drain) sayWhatNext(context, first)
}

interface FirstRun {
  /** As `queue/id`. */
  readonly sent: ReadonlySet<string>
  readonly startedAt: number
}

async function beginFirstRun(
  { config, bus, tally, report }: DemoContext,
  receiver: Receiver,
): Promise<FirstRun> {
  const startedAt = performance.now()
  report?.fact('samples', `digests of files, and webhooks to ${receiver.url} (also here)`)
  report?.line()
  tally.begin()
  return { sent: await sendSampleJobs(bus, config.digestRoot, receiver.url), startedAt }
}

async function endFirstRun(
  { bus, tally, report, signal }: DemoContext,
  { sent, startedAt }: FirstRun,
): Promise<void> {
  await tally.settled(sent, signal, emptied(bus, [digestsQueue.name, webhooksQueue.name], signal))
  report?.line()
  for (const line of tally.summary(performance.now() - startedAt, sent)) report?.line(line)
}

/** Resolves when the queues are empty, whoever worked them: of what another worker ends, nothing is heard here. */
async function emptied(bus: Bus, queues: readonly string[], signal: AbortSignal): Promise<void> {
  for (;;) {
    await sleep(1000, undefined, { signal })
    const metrics = await Promise.all(queues.map((queue) => bus.request('queue:metrics', { queue }))).catch(
      () => [],
    )
    if (metrics.length > 0 && metrics.every(({ ready, leased }) => ready + leased === 0)) break
  }
  // What we ended ourselves is heard by then.
  await sleep(200, undefined, { signal })
}

async function describeDatabase(bus: Bus, { location, dataDir }: App['database']): Promise<string> {
  const { postgresVersion, pgmqVersion } = await bus.request('queue:capabilities', {})
  const kind = dataDir === undefined ? '' : 'embedded '
  return `${kind}PostgreSQL ${postgresVersion} with pgmq${pgmqVersion === null ? '' : ` ${pgmqVersion}`} on ${location}`
}

function shownPath(folder: string): string {
  const near = relative(process.cwd(), folder)
  return `${near.startsWith('..') ? folder : near}/`
}

/** Of our queues only: on a database that was given, others are somebody else's. */
async function sayWhatIsThere(bus: Bus, report: Report): Promise<void> {
  for (const { name, deadLetterQueue } of [digestsQueue, webhooksQueue]) {
    report.fact('queue', queueLine(await bus.request('queue:metrics', { queue: name })))
    // A worker needs no right to look into a dead-letter queue.
    const letters = await bus.request('queue:metrics', { queue: deadLetterQueue }).catch(() => undefined)
    if (letters !== undefined) report.fact('queue', queueLine(letters))
  }
}

function sayWhatNext({ config, app, report }: DemoContext, first: boolean): void {
  if (report === undefined) return
  const steps = nextSteps(config, app.database.connectionString)
  for (const line of ['', ...steps, ...(first ? moreSteps : []), '']) report.line(line)
  report.line('Waiting for jobs. Ctrl-C stops; what is in the queues stays.')
}
