import { expectNamed } from '../choose-queues.ts'
import { CliError } from '../cli-error.ts'
import type { Context } from '../context.ts'
import { chooseDeadLetterQueue } from '../dead-letter-queues.ts'
import { exitCode } from '../exit-code.ts'
import { counted } from '../show.ts'
import { withBus } from '../with-bus.ts'

export interface RedriveOptions {
  readonly id?: readonly string[]
  readonly limit?: number
  readonly to?: string
}

export async function run(
  context: Context,
  options: RedriveOptions,
  named: string | undefined,
): Promise<void> {
  const { output, signal, program } = context
  expectNamed(context, named, 'dlq redrive')
  await withBus(context, { needs: ['queue'] }, async ({ bus }) => {
    const question = 'Which dead letters are to be sent back?'
    const queue = await chooseDeadLetterQueue(context, bus, named, question)
    if (queue === undefined) return output.line('There is no dead-letter queue.')
    const { count } = await bus.request(
      'queue:redrive',
      {
        queue,
        ...(options.id === undefined ? {} : { ids: options.id }),
        ...(options.limit === undefined ? {} : { limit: options.limit }),
        ...(options.to === undefined ? {} : { to: options.to }),
      },
      { signal },
    )
    if (output.json) output.data({ queue, count, ...(options.to === undefined ? {} : { to: options.to }) })
    if (count === 0 && options.id !== undefined) {
      throw new CliError(`none of these letters is in ${queue}: ${options.id.join(', ')}`, exitCode.findings)
    }
    const target = options.to ?? 'where they came from'
    output.line(
      count === 0
        ? `There was nothing to send back in ${queue}.`
        : `${output.style('green', '✓')} sent ${counted(count, 'dead letter')} of ${queue} back to ${target}`,
    )
    if (count > 0) output.note(`Watch it: ${program} top`)
  })
}
