import { type Bus, type OutgoingMessage, summarizeError } from '@aimq/events'
import { batches } from './batches.ts'
import { CliError } from './cli-error.ts'
import type { Context } from './context.ts'
import { type ExitCode, exitCode } from './exit-code.ts'
import { describeFailure } from './failure.ts'
import { type Line, openLines, readLines } from './ndjson.ts'
import { type Progress, startProgress } from './progress.ts'
import { openRejects, type Rejects } from './rejects.ts'
import type { SendOptions } from './run/send.ts'
import { schedule } from './run/send.ts'
import { count, counted } from './show.ts'
import { withBus } from './with-bus.ts'

/** What has become of a file so far. All of it goes into `--json`, and is enough to go on later. */
interface Tally {
  sent: number
  duplicates: number
  /** Every line before this one has been dealt with. */
  nextLine: number
  /** Lines left out, with the reason. Only so many: the file of rejects has them all. */
  skipped: { line: number; error: string }[]
  skippedCount: number
}

const shownFaults = 20
const keptFaults = 1000

/** Sends every line. Interrupted or failed half-way, it says what was sent and from which line to go on. */
export async function sendFile(
  context: Context,
  queue: string,
  path: string,
  options: SendOptions,
): Promise<ExitCode | undefined> {
  const fromLine = options.fromLine ?? 1
  const { stream, size } = await openLines(path)
  const tally: Tally = { sent: 0, duplicates: 0, nextLine: fromLine, skipped: [], skippedCount: 0 }
  const rejects = await openRejects(context.cwd, options.rejects)
  let progress: Progress | undefined
  let failure: unknown
  try {
    // A file can be read twice: nothing is sent of one that has a bad line.
    if (path !== '-' && size > 0 && options.skipBad !== true) await checkAll(context, path, options)
    await withBus(context, { needs: ['queue'] }, async ({ bus }) => {
      // After it was said which database is meant.
      progress = startProgress(context.output, `sending to ${queue}`)
      const lines = readLines(stream, fromLine, context.signal)
      for await (const batch of batches(lines, options.batch ?? 1000)) {
        if (context.signal.aborted) break
        await sendBatch(context, bus, queue, batch, { options, tally, rejects })
        const last = batch.at(-1)
        progress.at(size > 0 ? (last?.end ?? 0) / size : undefined, `sent ${count(tally.sent)}`)
      }
    })
  } catch (thrown) {
    failure = thrown
  } finally {
    progress?.end()
    stream.destroy()
    await rejects?.close()
  }
  return report(context, { queue, path, options, tally, failure })
}

/** Every bad line of the file at once, before anything is sent. */
async function checkAll({ output, signal }: Context, path: string, options: SendOptions): Promise<void> {
  const { stream, size } = await openLines(path)
  const progress = startProgress(output, `checking ${path}`)
  const faults: string[] = []
  let bad = 0
  try {
    for await (const line of readLines(stream, options.fromLine ?? 1, signal)) {
      if (line.number % 1000 === 0) progress.at(line.end / size, `checked ${counted(line.number, 'line')}`)
      const fault = line.fault ?? keyFault(line.payload, options.keyField)
      if (fault === undefined) continue
      bad += 1
      if (faults.length < shownFaults) faults.push(`\n  line ${line.number}: ${fault}`)
    }
  } finally {
    progress.end()
    stream.destroy()
  }
  signal.throwIfAborted()
  if (bad === 0) return
  const more = bad > faults.length ? `\n  and ${count(bad - faults.length)} more` : ''
  throw new CliError(
    `${path}: ${counted(bad, 'line')} cannot be sent, and nothing was; mend ${bad === 1 ? 'it' : 'them'}, or send the rest with --skip-bad${faults.join('')}${more}`,
    exitCode.data,
  )
}

interface Batch {
  readonly options: SendOptions
  readonly tally: Tally
  readonly rejects: Rejects | undefined
}

async function sendBatch(
  context: Context,
  bus: Bus,
  queue: string,
  lines: readonly Line[],
  { options, tally, rejects }: Batch,
): Promise<void> {
  const good: { line: Line; message: OutgoingMessage }[] = []
  const keys = new Set<string>()
  for (const line of lines) {
    const fault = line.fault ?? keyFault(line.payload, options.keyField)
    if (fault === undefined) {
      const message = toMessage(line.payload, options)
      // The answer names messages, not lines: of two lines with one key it could not say which was first.
      if (message.idempotencyKey !== undefined && keys.has(message.idempotencyKey)) tally.duplicates += 1
      else good.push({ line, message })
      if (message.idempotencyKey !== undefined) keys.add(message.idempotencyKey)
    } else if (options.skipBad === true) await skip(context, line, fault, { tally, rejects })
    else throw new CliError(`line ${line.number}: ${fault}`, exitCode.data)
  }
  await sendGood(context, bus, queue, good, { options, tally, rejects })
  tally.nextLine = (lines.at(-1)?.number ?? tally.nextLine) + 1
}

/** All of it in one statement. What the queue refuses of a batch is found by halving it, when bad lines may be left out. */
async function sendGood(
  context: Context,
  bus: Bus,
  queue: string,
  good: readonly { line: Line; message: OutgoingMessage }[],
  batch: Batch,
): Promise<void> {
  if (good.length === 0) return
  try {
    const messages = good.map(({ message }) => message)
    const { ids, duplicateIds } = await bus.request('queue:send', { queue, messages })
    batch.tally.sent += ids.length - duplicateIds.length
    batch.tally.duplicates += duplicateIds.length
    batch.tally.nextLine = (good.at(-1)?.line.number ?? 0) + 1
  } catch (thrown) {
    const { code, message } = summarizeError(thrown)
    const refused = /^queue\/invalid-(payload|headers|input)$/.test(code)
    const [only] = good
    if (!refused || only === undefined) throw thrown
    if (good.length === 1 && batch.options.skipBad === true) return skip(context, only.line, message, batch)
    if (good.length === 1) throw new CliError(`line ${only.line.number}: ${message}`, exitCode.data)
    const middle = Math.ceil(good.length / 2)
    await sendGood(context, bus, queue, good.slice(0, middle), batch)
    await sendGood(context, bus, queue, good.slice(middle), batch)
  }
}

async function skip(
  { output }: Context,
  line: Line,
  fault: string,
  { tally, rejects }: Pick<Batch, 'tally' | 'rejects'>,
): Promise<void> {
  tally.skippedCount += 1
  if (tally.skipped.length < keptFaults) tally.skipped.push({ line: line.number, error: fault })
  if (tally.skippedCount <= shownFaults) output.note(`line ${line.number}: ${fault}`)
  await rejects?.add(line.text)
}

function keyFault(payload: unknown, field: string | undefined): string | undefined {
  if (field === undefined) return undefined
  const key = (payload as Record<string, unknown> | null)?.[field]
  return typeof key === 'string' || typeof key === 'number'
    ? undefined
    : `expected a text or a number in the field "${field}", which is its idempotency key`
}

function toMessage(payload: unknown, options: SendOptions): OutgoingMessage {
  const { keyField } = options
  const key = keyField === undefined ? undefined : (payload as Record<string, unknown>)[keyField]
  return { payload, ...schedule(options), ...(key === undefined ? {} : { idempotencyKey: String(key) }) }
}

interface Outcome {
  readonly queue: string
  readonly path: string
  readonly options: SendOptions
  readonly tally: Tally
  readonly failure: unknown
}

function report(context: Context, { queue, path, options, tally, failure }: Outcome): ExitCode | undefined {
  const { output, signal, program } = context
  const complete = failure === undefined && !signal.aborted
  const { sent, duplicates, nextLine, skipped, skippedCount } = tally
  // Nothing was done: the fault is all there is to say.
  if (failure !== undefined && !signal.aborted && sent + duplicates + skippedCount === 0) throw failure
  if (output.json) output.data({ queue, complete, sent, duplicates, skipped, skippedCount, nextLine })
  const parts = [
    `sent ${counted(sent, 'message')} to ${queue}`,
    ...(duplicates > 0 ? [`${count(duplicates)} had been sent before`] : []),
    ...(skippedCount > 0 ? [`left out ${counted(skippedCount, 'line')}`] : []),
  ]
  const mark = complete && skippedCount === 0 ? output.style('green', '✓') : output.style('yellow', '!')
  output.line(`${mark} ${parts.join(', ')}`)
  if (options.rejects !== undefined && skippedCount > 0) {
    output.note(`Mend ${options.rejects} and send it: ${program} send ${queue} --file ${options.rejects}`)
  }
  if (complete && sent > 0) output.note(`Watch them: ${program} top`)
  if (complete) return skippedCount > 0 ? exitCode.findings : exitCode.ok
  const goOn =
    path === '-'
      ? `every line before line ${nextLine} was dealt with`
      : `go on with: ${program} send ${queue} --file ${path} --from-line ${nextLine}`
  if (failure === undefined || signal.aborted) {
    output.complain(`aimq: interrupted after ${counted(sent, 'message')}; ${goOn}`)
    return context.interruptedBy() === 'SIGINT' ? exitCode.interrupted : exitCode.terminated
  }
  const { text, code } = describeFailure(failure, program)
  const unsure = /outcome-unknown/.test(summarizeError(failure).code)
    ? ' The batch under way may have been sent or not; with --key-field it is not sent twice.'
    : ''
  output.complain(`aimq: ${text}${unsure}\naimq: stopped after ${counted(sent, 'message')}; ${goOn}`)
  return code
}
