import { expectNamed } from '../choose-queues.ts'
import type { Context } from '../context.ts'
import { chooseDeadLetterQueue } from '../dead-letter-queues.ts'
import { withBus } from '../with-bus.ts'
import { type PurgeOptions, purge } from './purge.ts'

export async function run(context: Context, options: PurgeOptions, named: string | undefined): Promise<void> {
  expectNamed(context, named, 'dlq purge')
  await withBus(context, { needs: ['queue'] }, async (session) => {
    const question = 'Which dead letters are to be deleted?'
    const queue = await chooseDeadLetterQueue(context, session.bus, named, question)
    if (queue === undefined) return context.output.line('There is no dead-letter queue.')
    await purge(context, session, options, [queue])
  })
}
