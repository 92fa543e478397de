import { type Bus, defaultDeadLetterQueue, type TriggerPath } from '@aimq/events'
import { CliError } from '../cli-error.ts'
import type { Context } from '../context.ts'
import { isWorked } from '../is-worked.ts'
import { folderOf } from '../migration.ts'
import { findStep } from '../steps.ts'
import { chooseTriggerPaths, type PathWish } from '../trigger-paths.ts'
import { pathsWord } from '../trigger-state.ts'
import { withBus } from '../with-bus.ts'

export interface CreateOptions {
  readonly realtime: boolean
  readonly path?: PathWish
  readonly dlq: boolean
  readonly partitioned?: string | true
  readonly retention?: string
  readonly migration?: string | true
}

export async function run(context: Context, options: CreateOptions, named: readonly string[]): Promise<void> {
  if (options.retention !== undefined && options.partitioned === undefined) {
    throw new CliError('--retention is for partitioned queues; add --partitioned')
  }
  if (options.migration !== undefined) {
    const { writeCreation } = await import('../creation-migration.ts')
    return writeCreation(context, options, named, folderOf(options.migration))
  }
  await withBus(
    context,
    { needs: ['queue'], likes: options.realtime ? ['triggers'] : [] },
    async (session) => {
      const { bus, database } = session
      const created: string[] = []
      const wanted = options.dlq ? named.flatMap((queue) => [queue, ...deadLettersOf(queue)]) : named
      for (const queue of new Set(wanted)) if (await create(context, bus, queue, options)) created.push(queue)
      const paths = bus.canRequest('triggers:install')
        ? await chooseTriggerPaths(options.path, database)
        : undefined
      const worked = named.filter(isWorked)
      if (paths !== undefined && worked.length > 0) {
        await bus.request('triggers:install', { queues: worked, paths }, { signal: context.signal })
      }
      report(context, named, created, paths)
    },
  )
}

/** What holds dead letters has none of its own. */
const deadLettersOf = (queue: string): string[] => (isWorked(queue) ? [defaultDeadLetterQueue(queue)] : [])

async function create(
  { signal }: Context,
  bus: Bus,
  queue: string,
  options: CreateOptions,
): Promise<boolean> {
  const { partitioned, retention } = options
  const intervals = {
    ...(typeof partitioned === 'string' ? { partitionInterval: partitioned } : {}),
    ...(retention === undefined ? {} : { retentionInterval: retention }),
  }
  // Dead letters are few.
  const isPartitioned = partitioned !== undefined && isWorked(queue)
  const { created } = await bus.request(
    'queue:create',
    { queue, ...(isPartitioned ? { partitioned: intervals } : {}) },
    { signal },
  )
  return created
}

function report(
  { output, program, cwd }: Context,
  named: readonly string[],
  created: readonly string[],
  paths: readonly TriggerPath[] | undefined,
): void {
  if (output.json) {
    output.data({ queues: named, created, wakeUps: paths ?? [] })
    return
  }
  const tick = output.style('green', '✓')
  if (created.length > 0) output.line(`${tick} created ${created.join(', ')}`)
  const kept = named.filter((queue) => !created.includes(queue))
  if (kept.length > 0)
    output.line(`${tick} ${kept.join(', ')} ${kept.length === 1 ? 'was' : 'were'} there already`)
  const [first = ''] = named
  if (paths !== undefined) output.line(`${tick} new jobs wake their workers (${pathsWord(paths)})`)
  else if (findStep('triggers', cwd) === undefined) {
    output.note('Without @aimq/triggers workers find new jobs by polling; run: npm install @aimq/triggers')
  }
  if (!isWorked(first)) return
  output.note(`\nSend to it:  ${program} send ${first} '{"to":"ada@example.com"}'`)
  output.note(`Work it:     ${program} start handlers   # handlers/${first}.ts works the queue "${first}"`)
  if (paths !== undefined) {
    const elsewhere = `for queues that others made: ${program} enable-realtime`
    output.note(`Wake-ups:    ${program} realtime listen   # shows them; ${elsewhere}`)
  } else if (findStep('triggers', cwd) !== undefined) {
    output.note(`Wake-ups:    ${program} enable-realtime ${first}`)
  }
}
