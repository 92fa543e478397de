import { allSettings, path, type Settings, whole, yesOrNo } from '@aimq/cli/start'

/** What the samples add to the settings of every worker. */
export const sampleSettings = {
  samples: {
    flag: '--samples',
    variable: 'AIMQ_SAMPLES',
    schema: yesOrNo,
    help: 'work the queues webhooks and digests, and fill them on the first run (default: when neither a database nor handlers are given)',
  },
  digestRoot: {
    flag: '--digest-root <path>',
    variable: 'DIGEST_ROOT',
    schema: path,
    help: 'the folder digests may read from (default: the current one)',
  },
  webhookTimeoutMs: {
    flag: '--webhook-timeout-ms <n>',
    variable: 'WEBHOOK_TIMEOUT_MS',
    schema: whole(1, 600_000),
    help: 'how long a webhook may take (default: 15000)',
  },
} as const satisfies Settings

/** All that can be set, in the order of the help. */
export const settings: Settings = allSettings(sampleSettings)
