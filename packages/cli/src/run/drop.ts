import { chooseQueues, expectNamed } from '../choose-queues.ts'
import { CliError } from '../cli-error.ts'
import { confirmLoss } from '../confirm.ts'
import type { Context } from '../context.ts'
import { exitCode } from '../exit-code.ts'
import { measure } from '../measure.ts'
import { counted } from '../show.ts'
import { unfitness } from '../unfit.ts'
import { withBus } from '../with-bus.ts'

export interface DropOptions {
  readonly yes?: boolean
  readonly withDlq?: boolean
}

export async function run(context: Context, options: DropOptions, given: readonly string[]): Promise<void> {
  const { output, signal, program } = context
  expectNamed(context, given, 'drop')
  await withBus(context, { needs: ['queue'] }, async ({ bus, database }) => {
    const named = await chooseQueues(context, bus, {
      named: given,
      question: 'Which queues are to be dropped?',
      among: () => true,
      // What cannot be worked can be got rid of.
      unfit: ({ queue }) => unfitness({ queue, unlogged: false }),
    })
    if (named.length === 0) return output.line('There is no queue that can be dropped.')
    const { queues } = await bus.request('queue:list', {}, { signal })
    const there = new Set(queues.map(({ queue }) => queue))
    const missing = named.filter((queue) => !there.has(queue))
    if (missing.length > 0) {
      throw new CliError(
        `there is no queue ${missing.join(', ')}; see ${program} list`,
        exitCode.configuration,
      )
    }
    const letters = named
      .map((queue) => `${queue}_dlq`)
      .filter((queue) => there.has(queue) && !named.includes(queue))
    const doomed = [...new Set([...named, ...(options.withDlq ? letters : [])])]
    const metrics = await measure(bus, doomed, signal)
    const losses = doomed.map((queue) => {
      const { total = 0, archived = 0 } = metrics.get(queue) ?? {}
      return `${queue} (${counted(total, 'message')}, ${counted(archived, 'archived one')})`
    })
    await confirmLoss(context, database, `This drops ${losses.join(', ')}`, options.yes)
    for (const queue of doomed) await bus.request('queue:drop', { queue }, { signal })
    if (output.json) output.data({ dropped: doomed })
    for (const queue of doomed) output.line(`${output.style('green', '✓')} dropped ${queue}`)
    const left = letters.filter((queue) => !doomed.includes(queue))
    if (left.length > 0)
      output.note(`Their dead letters stay in ${left.join(', ')}; --with-dlq drops those, too.`)
  })
}
