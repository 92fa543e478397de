import { createBus, defaultDeadLetterQueue } from '@aimq/events'
import type { Context } from './context.ts'
import { isWorked } from './is-worked.ts'
import { applyHint, writeMigration } from './migration.ts'
import type { CreateOptions } from './run/create.ts'
import { findStep, loadPlugin } from './steps.ts'
import { complainingLogger } from './with-bus.ts'

type CreationWish = Pick<CreateOptions, 'dlq' | 'realtime' | 'path' | 'partitioned' | 'retention'> & {
  readonly policy?: boolean
}

/** A file that creates queues with their triggers, instead of touching a database. */
export async function writeCreation(
  context: Context,
  options: CreateOptions,
  named: readonly string[],
  folder: string,
): Promise<void> {
  const { output } = context
  const sql = await creationSql(context, options, named)
  const file = await writeMigration(context, folder, `create_${named.join('_').slice(0, 80)}`, sql)
  if (output.json) output.data({ file })
  output.line(`${output.style('green', '✓')} wrote ${file}`)
  output.note(applyHint(context, file))
}

/** What `create` does, as SQL that can be run again. */
export async function creationSql(
  context: Context,
  options: CreationWish,
  named: readonly string[],
): Promise<string> {
  const withLetters = (queue: string) =>
    options.dlq && isWorked(queue) ? [queue, defaultDeadLetterQueue(queue)] : [queue]
  const queues = [...new Set(named.flatMap(withLetters))]
  const sql = [
    '-- pgmq queues, written by aimq.',
    'create extension if not exists pgmq;',
    '',
    ...queues.map((queue) => creation(queue, isWorked(queue) ? options : {})),
  ]
  const worked = named.filter(isWorked)
  if (options.realtime && worked.length > 0 && findStep('triggers', context.cwd) !== undefined) {
    sql.push('', await triggersSql(context, options, worked))
  }
  return sql.join('\n')
}

/** Names have been checked and hold nothing to be quoted; intervals are text that somebody wrote. */
function creation(
  queue: string,
  { partitioned, retention }: Pick<CreateOptions, 'partitioned' | 'retention'>,
): string {
  const exists = `if not exists (select from pgmq.meta where queue_name = '${queue}') then`
  const literal = (text: string) => `'${text.replaceAll("'", "''")}'`
  const call =
    partitioned === undefined
      ? `pgmq.create('${queue}')`
      : `pgmq.create_partitioned('${queue}', ${literal(partitioned === true ? '10000' : partitioned)}, ${literal(retention ?? '100000')})`
  return `do $$ begin ${exists} perform ${call}; end if; end $$;`
}

/** Asked of the step that knows, on a bus of its own. It needs no database for this, and gets none that would answer. */
export async function triggersSql(
  context: Context,
  options: Pick<CreateOptions, 'path'> & { readonly remove?: boolean; readonly policy?: boolean },
  queues: readonly string[],
): Promise<string> {
  const bus = createBus({ logger: complainingLogger(context) })
  try {
    await bus.use(
      await loadPlugin('triggers', context.cwd, { connectionString: 'postgres://127.0.0.1:1/nowhere' }),
    )
    // A file for Supabase, where both paths are.
    const paths =
      options.path === undefined || options.path === 'both'
        ? (['notify', 'realtime'] as const)
        : [options.path]
    const { sql } = await bus.request('triggers:migration', {
      queues,
      paths,
      ...(options.remove === undefined ? {} : { remove: options.remove }),
      ...(options.policy === undefined ? {} : { policy: options.policy }),
    })
    return sql
  } finally {
    await bus.stop()
  }
}
