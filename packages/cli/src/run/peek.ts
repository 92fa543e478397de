import type { PeekedMessage } from '@aimq/events'
import { chooseQueue, expectNamed } from '../choose-queues.ts'
import type { Context } from '../context.ts'
import { plain } from '../output.ts'
import { duration, localTime } from '../show.ts'
import { table } from '../table.ts'
import { toJson } from '../to-json.ts'
import { withBus } from '../with-bus.ts'

export interface PeekOptions {
  readonly limit?: number
  readonly after?: string
  readonly archived?: boolean
}

export async function run(context: Context, options: PeekOptions, named: string | undefined): Promise<void> {
  const { output, signal, program } = context
  expectNamed(context, named, 'peek')
  const limit = options.limit ?? 20
  await withBus(context, { needs: ['queue'] }, async ({ bus }) => {
    const offer = { question: 'Which queue is to be looked into?', among: () => true }
    const queue = named ?? (await chooseQueue(context, bus, offer))
    if (queue === undefined) return output.line('There is no queue that can be looked into.')
    const { messages } = await bus.request(
      'queue:peek',
      {
        queue,
        limit,
        ...(options.after === undefined ? {} : { afterId: options.after }),
        ...(options.archived === undefined ? {} : { archived: options.archived }),
      },
      { signal },
    )
    if (output.json) {
      output.data(messages)
      return
    }
    if (messages.length === 0) {
      output.line(`There is nothing in ${options.archived ? `the archive of ${queue}` : queue}.`)
      return
    }
    output.line(await messageTable(context, messages))
    const last = messages.at(-1)?.id
    const archived = options.archived ? ' --archived' : ''
    if (messages.length === limit)
      output.note(`More may follow: ${program} peek ${queue}${archived} --after ${last}`)
  })
}

async function messageTable({ output }: Context, messages: readonly PeekedMessage[]): Promise<string> {
  const room = Math.max(output.columns() - 58, 30)
  return table(
    output,
    [
      { title: 'ID', align: 'right', value: ({ id }) => id },
      { title: 'STATE', value: stateOf },
      { title: 'READS', align: 'right', value: ({ readCount }) => readCount },
      { title: 'SENT', value: ({ enqueuedAt }) => localTime(enqueuedAt) },
      { title: 'PAYLOAD', value: ({ payload }) => cut(plain(toJson(payload)), room) },
    ],
    messages,
  )
}

function stateOf({ archivedAt, visibleAt, readCount }: PeekedMessage): string {
  if (archivedAt !== null) return 'archived'
  const inMs = visibleAt - Date.now()
  if (inMs <= 0) return 'ready'
  return `${readCount > 0 ? 'in hand' : 'due in'} ${duration(inMs)}`
}

export const cut = (text: string, room: number): string =>
  text.length <= room ? text : `${text.slice(0, Math.max(room - 1, 10))}…`
