import { randomBytes } from 'node:crypto'
import type { HandlerRecord, Note } from '@aimq/cli/start'
import type { SamplesConfig } from '../samples/config.ts'
import { sharedSecret } from '../samples/shared-secret.ts'
import { digests } from './digests.ts'
import { webhooks } from './webhooks.ts'

export interface WebhookSecrets {
  readonly of: (name: string | undefined) => string | undefined
  /** None was given: receivers cannot know the one that was made up. */
  readonly random: boolean
  /** Agrees on one with the other workers of a data folder, before a job is worked. */
  shareIn(folder: string): Promise<void>
}

/** `WEBHOOK_SECRET` signs, and `WEBHOOK_SECRET_<NAME>` what asks for a name. Without the first, one is made up. */
export function webhookSecrets(environment: SamplesConfig['environment']): WebhookSecrets {
  const given = environment.WEBHOOK_SECRET
  let main = given ?? `whsec_${randomBytes(32).toString('base64')}`
  return {
    of: (name) => (name === undefined ? main : environment[`WEBHOOK_SECRET_${name.toUpperCase()}`]),
    random: given === undefined,
    async shareIn(folder) {
      if (given === undefined) main = await sharedSecret(folder, main)
    },
  }
}

/** The two handlers that come with the app. */
export function builtInHandlers(config: SamplesConfig, secrets: WebhookSecrets, note: Note): HandlerRecord {
  return {
    digests: digests({ root: config.digestRoot, note }),
    webhooks: webhooks({ secretOf: secrets.of, timeoutMs: config.webhookTimeoutMs, note }),
  }
}
