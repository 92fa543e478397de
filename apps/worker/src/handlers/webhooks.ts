import type { Note } from '@aimq/cli/start'
import { defineQueue } from '@aimq/events'
import {
  deadLetter,
  defineHandler,
  type HandlerDefinition,
  type Job,
  type Outcome,
  retry,
} from '@aimq/worker'
import * as v from 'valibot'
import { retryAfterSeconds } from './retry-after.ts'
import { signWebhook } from './webhook-signature.ts'

/** Headers that are ours to write, or that would change how the request is framed. */
const reservedHeader =
  /^(webhook-.*|content-type|content-length|host|connection|transfer-encoding|upgrade|te|trailer|expect|keep-alive)$/i

const schema = v.strictObject({
  /** Where to POST to. */
  url: v.pipe(
    v.string(),
    v.maxLength(2048),
    v.check(isPlainHttpUrl, 'expected an http(s) URL without a user name or password in it'),
  ),
  /** Any JSON: the body of the request. */
  body: v.unknown(),
  headers: v.optional(
    v.record(
      v.pipe(
        v.string(),
        v.regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, 'expected the name of an HTTP header'),
        v.check(
          (name) => !reservedHeader.test(name),
          'expected a header that the worker does not set itself',
        ),
      ),
      v.pipe(v.string(), v.regex(/^[\x20-\x7e\t]{0,4096}$/, 'expected printable ASCII')),
    ),
  ),
  /** Which secret signs: `orders` is the variable WEBHOOK_SECRET_ORDERS. Without it: WEBHOOK_SECRET. */
  secretName: v.optional(v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,46}$/, 'expected a-z, 0-9 and _'))),
})

export const webhooksQueue = defineQueue('webhooks', { schema })

type Webhook = v.InferOutput<typeof schema>

export interface WebhookOptions {
  /** The secret of a name, or of none. A payload never carries a secret: it stays in the queue and in its archive. */
  readonly secretOf: (name: string | undefined) => string | undefined
  /** For the whole exchange: connect, send, wait, read the answer. */
  readonly timeoutMs: number
  /** Is told what became of each job, for people. */
  readonly note?: Note
}

/** Statuses that say «later»: request timeout, too early, too many requests, and every fault of the server. */
const isTemporary = (status: number) => status === 408 || status === 425 || status === 429 || status >= 500

export function webhooks(options: WebhookOptions): HandlerDefinition<Webhook> {
  return defineHandler(webhooksQueue, (job) => deliver(job, options))
}

async function deliver(job: Job<Webhook>, options: WebhookOptions): Promise<Outcome | undefined> {
  const { url, headers, secretName } = job.payload
  const secret = options.secretOf(secretName)
  if (secret === undefined) {
    // A fault of this worker and not of the job: thrown, so that the job is still there when it is mended.
    throw new Error(
      `no signing secret: set WEBHOOK_SECRET${secretName ? `_${secretName.toUpperCase()}` : ''}`,
    )
  }
  const body = JSON.stringify(job.payload.body ?? null)
  const response = await fetch(url, {
    method: 'POST',
    // A redirect could lead a signed body anywhere; whoever moved the endpoint can change the URL.
    redirect: 'manual',
    headers: {
      ...headers,
      'content-type': 'application/json',
      ...signWebhook(secret, webhookId(job), body, Date.now()),
    },
    body,
    signal: AbortSignal.any([job.signal, AbortSignal.timeout(options.timeoutMs)]),
  }).catch((thrown: unknown) => {
    if (isRefusedForGood(thrown)) return undefined
    throw readable(thrown, job.signal, options.timeoutMs)
  })
  if (response === undefined)
    return deadLetter({ reason: 'nothing is ever sent to this URL: its port belongs to another protocol' })
  await drain(response)

  const { status } = response
  options.note?.(job, `${status} from ${new URL(url).host}`)
  if (response.ok) return undefined
  if (isTemporary(status)) {
    const delaySeconds = retryAfterSeconds(response.headers.get('retry-after'), Date.now())
    return retry({ reason: `answered ${status}`, ...(delaySeconds === undefined ? {} : { delaySeconds }) })
  }
  const redirected = status >= 300 && status < 400 ? '; redirects are not followed' : ''
  return deadLetter({ reason: `answered ${status}, which another try would not change${redirected}` })
}

/** The same for every try of a job, so that the receiver can tell a repetition; apart from a re-created queue's ids. */
function webhookId(job: Job): string {
  return `msg_${job.queue}_${job.id}_${Math.floor(job.enqueuedAt)}`
}

/** More of an answer than this is not waited for. */
const maxAnswerBytes = 64 * 1024

/** Reads the answer so that the connection can be used again. Whatever goes wrong here, the status has been given. */
async function drain(response: Response): Promise<void> {
  let bytes = 0
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength
      if (bytes > maxAnswerBytes) break // leaving the loop cancels the rest
    }
  } catch {}
}

/** By fetch itself, before anything is sent: https://fetch.spec.whatwg.org/#port-blocking */
const isRefusedForGood = (thrown: unknown): boolean =>
  /^(bad port|unknown scheme|.*unsupported protocol)/i.test(
    ((thrown as Error | null)?.cause as Error | undefined)?.message ?? '',
  )

/** `fetch failed` says nothing; its cause does. */
function readable(thrown: unknown, signal: AbortSignal, timeoutMs: number): unknown {
  if (signal.aborted) return signal.reason
  if (!(thrown instanceof Error)) return thrown
  if (thrown.name === 'TimeoutError') return new Error(`no answer within ${timeoutMs} ms`, { cause: thrown })
  const cause = thrown.cause as { code?: string; message?: string } | undefined
  return new Error(`not delivered: ${cause?.message || cause?.code || thrown.message}`, { cause: thrown })
}

function isPlainHttpUrl(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}
