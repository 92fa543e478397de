import { CliError } from '../cli-error.ts'
import type { Context } from '../context.ts'
import { deadLetterQueueOf } from '../dead-letters.ts'
import { exitCode } from '../exit-code.ts'
import { counted } from '../show.ts'
import { withBus } from '../with-bus.ts'

export interface RedriveOptions {
  readonly id?: readonly string[]
  readonly limit?: number
  readonly to?: string
}

export async function run(context: Context, options: RedriveOptions, named: string): Promise<void> {
  const { output, signal } = context
  const queue = deadLetterQueueOf(named)
  await withBus(context, { needs: ['queue'] }, async ({ bus }) => {
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
  })
}
