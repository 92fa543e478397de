import type { Context } from './context.ts'
import { triggersSql } from './creation-migration.ts'
import { applyHint, writeMigration } from './migration.ts'
import type { PathWish } from './trigger-paths.ts'

export interface TriggersFileOptions {
  readonly path?: PathWish
  readonly policy?: boolean
  readonly remove?: boolean
  readonly folder: string
}

/** Writes the migration that installs, or removes, the triggers of queues. */
export async function writeTriggers(
  context: Context,
  queues: readonly string[],
  { folder, ...wish }: TriggersFileOptions,
): Promise<void> {
  const { output } = context
  const sql = await triggersSql(context, wish, queues)
  const subject = `aimq_${wish.remove ? 'disable' : 'enable'}_realtime`
  const file = await writeMigration(context, folder, subject, sql)
  if (output.json) output.data({ file })
  output.line(`${output.style('green', '✓')} wrote ${file}`)
  output.note(applyHint(context, file))
}
