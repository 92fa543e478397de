import {
  createReport,
  type OwnContext,
  type OwnInput,
  type OwnSettings,
  type OwnWork,
  type WorkerProgram,
} from '@aimq/cli/start'
import { builtInHandlers, webhookSecrets } from './handlers/built-in.ts'
import { readSamples, type Samples, type SamplesConfig } from './samples/config.ts'
import { runDemo } from './samples/demo.ts'
import { createTally } from './samples/tally.ts'
import { sampleSettings } from './settings.ts'

/** The worker with sample queues, handlers for them, and a screen that shows their jobs. */
export const worker: WorkerProgram<Samples> = {
  name: 'worker',
  description:
    'Works the jobs of pgmq queues. With nothing set: starts a PostgreSQL of its own and works sample jobs.',
  examples: [
    'worker                                            start, with everything it needs, and see jobs run',
    'worker --drain                                    the same, and exit when all is done',
    'worker --handlers ./handlers                      handlers/emails.ts works the queue "emails"',
    'DATABASE_URL=postgres://… worker --handlers ./handlers --no-create-queues',
    'worker --env production.env --log-format json',
  ],
  stepsFrom: import.meta.url,
  extension: {
    settings: sampleSettings,
    secrets: ['WEBHOOK_SECRET'],
    instead: '; or --samples',
    read: (input: OwnInput): OwnSettings<Samples> => readSamples(input),
    begin: beginSamples,
  },
}

function beginSamples(config: SamplesConfig, { bus, log, output, note }: OwnContext): OwnWork {
  const report = config.samples && config.logFormat === 'pretty' ? createReport(output) : undefined
  const tally = createTally()
  const secrets = webhookSecrets(config.environment)
  if (config.samples && secrets.random && report === undefined) {
    log.warn({}, 'WEBHOOK_SECRET is not set: webhooks are signed with a secret that was made up')
  }
  /** Jobs in hand may still be sending to the receiver. */
  const afterwards: (() => void)[] = []
  return {
    handlers: config.samples ? builtInHandlers(config, secrets, note) : {},
    report,
    sends: config.sampleJobs,
    onJob: tally.add,
    async onDatabase({ dataDir }) {
      if (config.samples && dataDir !== undefined) await secrets.shareIn(dataDir)
    },
    async run(app, signal) {
      if (config.samples) await runDemo({ config, bus, app, secrets, tally, report, signal, afterwards })
    },
    close() {
      for (const close of afterwards) close()
    },
  }
}
