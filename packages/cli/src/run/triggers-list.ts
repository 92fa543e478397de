import type { TriggerState } from '@aimq/events'
import type { Context } from '../context.ts'
import { isWorked } from '../is-worked.ts'
import { table } from '../table.ts'
import { pathsWord } from '../trigger-state.ts'
import { withBus } from '../with-bus.ts'

export async function run(context: Context, _options: object, named: readonly string[]): Promise<void> {
  const { output, signal, program } = context
  await withBus(context, { needs: ['queue', 'triggers'] }, async ({ bus }) => {
    const { triggers } = await bus.request('triggers:list', named.length > 0 ? { queues: named } : {}, {
      signal,
    })
    if (output.json) {
      output.data(triggers)
      return
    }
    if (triggers.length === 0) {
      output.line('There is no queue yet.')
      return
    }
    output.line(
      await table<TriggerState>(
        output,
        [
          { title: 'NAME', value: ({ name }) => name, style: 'bold' },
          { title: 'TABLE', value: ({ table }) => table },
          {
            title: 'TELLS BY',
            value: ({ installed, settings }) => (installed ? pathsWord(settings?.paths ?? []) : '–'),
          },
          {
            title: 'CHANNEL',
            value: ({ installed, settings }) => (installed ? (settings?.channel ?? 'aimq:jobs') : '–'),
          },
          {
            title: 'FINDINGS',
            value: findingsWord,
          },
        ],
        triggers,
      ),
    )
    const drifted = triggers.filter(({ installed, findings }) => installed && findings.length > 0)
    for (const { name, findings } of drifted) {
      for (const { message } of findings)
        output.note(`${output.noteStyle('yellow', '!')} ${name}: ${message}`)
    }
    if (drifted.length > 0) output.note(`Mend them: ${program} triggers repair`)
  })
}

/** A dead-letter queue is not worked, so nobody has to be told. */
const findingsWord = ({ name, installed, findings }: TriggerState): string =>
  !installed && !isWorked(name) ? '–' : findings.map(({ problem }) => problem).join(', ') || 'none'
