import { setTimeout as sleep } from 'node:timers/promises'
import type { Bus } from '@aimq/events'
import { connect } from '../connect.ts'
import type { Context } from '../context.ts'
import { type Database, openDatabase } from '../database.ts'
import { firstHealth } from '../first-health.ts'
import { isWorked } from '../is-worked.ts'
import { findStep } from '../steps.ts'
import { type Frame, render } from '../top/render.ts'
import { createSampler, type Sample } from '../top/sample.ts'
import { openScreen } from '../top/screen.ts'
import { withBusOn } from '../with-bus.ts'
import { withRealtimeOn } from '../with-realtime.ts'

export interface TopOptions {
  readonly once?: boolean
  readonly interval?: number
}

type Look = (signal: AbortSignal) => Promise<Sample>

/** Between the two looks that a rate takes, when only one frame is wanted. */
const onceIntervalMs = 1000
const canariesWithinMs = 3000
/** Of looks, for the sparklines. */
const historyLength = 120

export async function run(context: Context, options: TopOptions, only: readonly string[]): Promise<void> {
  const { output, signal, cwd } = context
  const database = await openDatabase(context)
  try {
    await withBusOn(context, database, { needs: ['queue'], likes: ['triggers'] }, async ({ bus }) => {
      const connection = await connect(database)
      try {
        const watch = async (wakeBus: Bus | undefined) => {
          for (const queue of only) await bus.request('queue:metrics', { queue }, { signal })
          if (wakeBus !== undefined && (options.once || !output.isTerminal)) {
            await firstHealth(wakeBus, canariesWithinMs, signal)
          }
          const look = createSampler({ bus, wakeBus, connection, only })
          if (output.json) await printSamples(context, options, look)
          else if (options.once || !output.isTerminal) await printOnce(context, database, look)
          else await show(context, options, database, look)
        }
        if (findStep('realtime', cwd) === undefined) await watch(undefined)
        else await withRealtimeOn(context, database, (session) => watch(session.bus))
      } finally {
        await connection[Symbol.asyncDispose]()
      }
    })
  } catch (thrown) {
    // Told to stop while it was looking.
    if (!signal.aborted || context.interruptedBy() === undefined) throw thrown
  } finally {
    await database.stop()
  }
}

async function twoLooks(look: Look, signal: AbortSignal): Promise<Sample> {
  await look(signal)
  await sleep(onceIntervalMs, undefined, { signal })
  return look(signal)
}

async function printOnce(
  { output, signal, program }: Context,
  { location }: Database,
  look: Look,
): Promise<void> {
  const sample = await twoLooks(look, signal)
  const frame: Frame = { sample, history: new Map(), location, intervalMs: undefined }
  const lines = render(frame, { columns: output.columns(), rows: Number.POSITIVE_INFINITY }, output.style)
  for (const line of lines) output.line(line.trimEnd())
  const hasLetters = sample.queues.some(({ queue, ready }) => !isWorked(queue) && ready > 0)
  if (hasLetters) output.note(`\nDead letters: ${program} dlq list`)
}

/** A line of JSON for each look. */
async function printSamples({ output, signal }: Context, options: TopOptions, look: Look): Promise<void> {
  if (options.once) return output.data(await twoLooks(look, signal))
  for (;;) {
    output.data(await look(signal))
    await sleep(options.interval ?? 2000, undefined, { signal })
  }
}

async function show(
  context: Context,
  options: TopOptions,
  { location }: Database,
  look: Look,
): Promise<void> {
  const { output, signal } = context
  const intervalMs = options.interval ?? 2000
  const quit = new AbortController()
  const done = AbortSignal.any([signal, quit.signal])
  const history = new Map<string, number[]>()
  let frame: Frame | undefined
  const draw = () => {
    if (frame === undefined) return
    screen.draw(render(frame, { columns: output.columns(), rows: output.rows() }, output.style))
  }
  const screen = openScreen(output, { quit: () => quit.abort(), resize: draw })
  try {
    while (!done.aborted) {
      const sample = await look(done)
      for (const { queue, donePerSecond } of sample.queues) {
        if (donePerSecond === undefined) continue
        history.set(queue, [...(history.get(queue) ?? []), donePerSecond].slice(-historyLength))
      }
      frame = { sample, history, location, intervalMs }
      draw()
      await sleep(intervalMs, undefined, { signal: done })
    }
  } catch (thrown) {
    if (!done.aborted) throw thrown
  } finally {
    screen.close()
  }
}
