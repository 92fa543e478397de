import { expectNamed } from '../choose-queues.ts'
import type { Context } from '../context.ts'
import { chooseDeadLetterQueue } from '../dead-letter-queues.ts'
import { type DeadLetter, readDeadLetter } from '../dead-letters.ts'
import { plain } from '../output.ts'
import { counted, localTime } from '../show.ts'
import { toJson } from '../to-json.ts'
import { withBus } from '../with-bus.ts'
import { cut } from './peek.ts'

export interface ShowOptions {
  readonly limit?: number
  readonly after?: string
}

export async function run(context: Context, options: ShowOptions, named: string | undefined): Promise<void> {
  const { output, signal, program } = context
  expectNamed(context, named, 'dlq show')
  const limit = options.limit ?? 20
  await withBus(context, { needs: ['queue'] }, async ({ bus }) => {
    const queue = await chooseDeadLetterQueue(context, bus, named, 'Dead letters of which queue?')
    if (queue === undefined) return output.line('There is no dead-letter queue.')
    const { messages } = await bus.request(
      'queue:peek',
      { queue, limit, ...(options.after === undefined ? {} : { afterId: options.after }) },
      { signal },
    )
    const letters = messages.map(readDeadLetter)
    if (output.json) {
      output.data(letters)
      return
    }
    if (letters.length === 0) {
      output.line(`There are no dead letters in ${queue}.`)
      return
    }
    output.line(letters.map((letter) => describe(context, letter)).join('\n\n'))
    if (letters.length === limit) {
      output.note(`\nMore may follow: ${program} dlq show ${named ?? queue} --after ${letters.at(-1)?.id}`)
    }
    output.note(`\nSend them back: ${program} dlq redrive ${named ?? queue}`)
  })
}

function describe({ output }: Context, letter: DeadLetter): string {
  const width = Math.min(output.columns(), 2000) - 12
  const from = letter.from === null ? 'of an unknown queue' : `${letter.from}/${letter.originalId}`
  const tries = `${counted(letter.failures, 'failure')}, ${counted(letter.readCount, 'read')}`
  const lines: [string, string][] = [
    ['given up', `${localTime(letter.deadLetteredAt)} after ${tries}`],
    ['reason', letter.reason],
    ...(letter.error === null
      ? []
      : [['error', `${letter.error.message} (${letter.error.code})`] as [string, string]]),
    ['payload', toJson(letter.payload)],
  ]
  const body = lines.map(
    ([name, text]) => `  ${output.style('dim', name.padEnd(9))} ${cut(plain(text), width)}`,
  )
  return [`${output.style('red', '✗')} ${output.style('bold', letter.id)}  ${plain(from)}`, ...body].join(
    '\n',
  )
}
