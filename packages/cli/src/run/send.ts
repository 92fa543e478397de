import { addAbortSignal } from 'node:stream'
import type { OutgoingMessage } from '@aimq/events'
import { CliError } from '../cli-error.ts'
import type { Context } from '../context.ts'
import type { ExitCode } from '../exit-code.ts'
import { exitCode } from '../exit-code.ts'
import { parseJson } from '../parse-json.ts'
import { duration, localTime } from '../show.ts'
import { withBus } from '../with-bus.ts'

export interface SendOptions {
  readonly file?: string
  readonly delay?: number
  readonly at?: number
  readonly key?: string
  readonly keyField?: string
  readonly skipBad?: boolean
  readonly rejects?: string
  readonly fromLine?: number
  readonly batch?: number
}

export async function run(
  context: Context,
  options: SendOptions,
  queue: string,
  payload: string | undefined,
): Promise<ExitCode | undefined> {
  checkTogether(options, payload)
  if (options.file !== undefined) {
    const { sendFile } = await import('../send-file.ts')
    return sendFile(context, queue, options.file, options)
  }
  const message = {
    payload: await readPayload(context, payload ?? ''),
    ...schedule(options),
    ...key(options),
  }
  return withBus(context, { needs: ['queue'] }, async ({ bus }) => {
    const { output, signal, program } = context
    const { ids, duplicateIds } = await bus.request('queue:send', { queue, messages: [message] }, { signal })
    const [id = ''] = ids
    const duplicate = duplicateIds.includes(id)
    if (output.json) output.data({ queue, id, duplicate })
    else if (duplicate)
      output.line(`${output.style('yellow', '=')} ${queue}/${id} was sent with this key before`)
    else output.line(`${output.style('green', '✓')} sent as ${queue}/${id}${dueText(options)}`)
    output.note(`Watch it: ${program} top`)
    return exitCode.ok
  })
}

function checkTogether(options: SendOptions, payload: string | undefined): void {
  if (payload === undefined && options.file === undefined) {
    throw new CliError(`expected a payload as JSON, "-" for stdin, or --file <path>`)
  }
  if (payload !== undefined && options.file !== undefined) {
    throw new CliError('expected a payload or --file, got both')
  }
  if (options.delay !== undefined && options.at !== undefined)
    throw new CliError('expected --delay or --at, got both')
  if (options.file !== undefined && options.key !== undefined) {
    throw new CliError('--key is for one message; of a file, --key-field names the field that holds each key')
  }
  const forFiles = (['keyField', 'skipBad', 'rejects', 'fromLine', 'batch'] as const).filter(
    (name) => options[name] !== undefined,
  )
  if (options.file === undefined && forFiles.length > 0) {
    const flags = forFiles.map(
      (name) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    )
    throw new CliError(`${flags.join(', ')}: only with --file`)
  }
}

async function readPayload({ signal }: Context, given: string): Promise<unknown> {
  if (given !== '-') return parsed(given, 'the payload')
  if (process.stdin.isTTY)
    throw new CliError('"-" reads the payload from stdin, which is a terminal; pipe it in')
  const chunks: Buffer[] = []
  let bytes = 0
  // Also while nothing comes.
  for await (const chunk of addAbortSignal(signal, process.stdin) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxStdinBytes)
      throw new CliError(
        'stdin: expected at most 8 MiB of JSON; many messages go with --file -',
        exitCode.data,
      )
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks).toString('utf8')
  try {
    return parsed(text, 'stdin')
  } catch (thrown) {
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    if (lines.length < 2 || parseJson(lines[0] ?? '').fault !== undefined) throw thrown
    throw new CliError(
      'stdin: expected one JSON document, got one per line; send those with --file -',
      exitCode.data,
    )
  }
}

/** What PostgreSQL and the queue step would refuse anyway. */
const maxStdinBytes = 8 * 1024 * 1024

function parsed(text: string, what: string): unknown {
  const { value, fault } = parseJson(text)
  if (fault === undefined) return value
  // What a shell has taken the quotes off.
  const quotes =
    what === 'the payload' && !text.includes('"')
      ? ` (in a shell it goes between single quotes: '{"to":"ada"}')`
      : ''
  throw new CliError(`${what}: ${fault}${quotes}`, exitCode.data)
}

export const schedule = ({
  delay,
  at,
}: Pick<SendOptions, 'delay' | 'at'>): Pick<OutgoingMessage, 'delayMs' | 'dueAt'> => ({
  ...(delay === undefined ? {} : { delayMs: delay }),
  ...(at === undefined ? {} : { dueAt: at }),
})

const key = ({ key }: SendOptions): Pick<OutgoingMessage, 'idempotencyKey'> =>
  key === undefined ? {} : { idempotencyKey: key }

export function dueText({ delay, at }: Pick<SendOptions, 'delay' | 'at'>): string {
  if (delay !== undefined) return `, due in ${duration(delay)}`
  return at === undefined ? '' : `, due at ${localTime(at)}`
}
