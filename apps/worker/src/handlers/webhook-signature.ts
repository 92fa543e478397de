import { createHmac, timingSafeEqual } from 'node:crypto'

/** The three headers of standardwebhooks.com, so that its verifiers in any language accept what we send. */
export interface WebhookHeaders {
  readonly 'webhook-id': string
  /** Unix seconds of this attempt: a receiver refuses old ones, so that a recorded request cannot be replayed. */
  readonly 'webhook-timestamp': string
  readonly 'webhook-signature': string
}

const encodedPrefix = 'whsec_'

/** How far the clocks of sender and receiver may be apart, in seconds. */
const toleranceSeconds = 300

export function signWebhook(secret: string, id: string, body: string, nowMs: number): WebhookHeaders {
  const timestamp = String(Math.floor(nowMs / 1000))
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${digest(secret, id, timestamp, body).toString('base64')}`,
  }
}

/** What a receiver does with a request. A header may carry several signatures while a secret is being replaced. */
export function verifyWebhook(
  secret: string,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
  nowMs: number,
): boolean {
  const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map(
    (name) => headers[`webhook-${name}`],
  )
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') return false
  if (!/^\d{1,12}$/.test(timestamp)) return false
  if (Math.abs(nowMs / 1000 - Number(timestamp)) > toleranceSeconds) return false
  const expected = digest(secret, id, timestamp, body)
  return signatures.split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64')
    return signature.startsWith('v1,') && given.length === expected.length && timingSafeEqual(given, expected)
  })
}

function digest(secret: string, id: string, timestamp: string, body: string): Buffer {
  return createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest()
}

/** `whsec_` announces base64, as the standard has it; any other text is taken as it is. */
function keyOf(secret: string): Buffer {
  return secret.startsWith(encodedPrefix)
    ? Buffer.from(secret.slice(encodedPrefix.length), 'base64')
    : Buffer.from(secret, 'utf8')
}
