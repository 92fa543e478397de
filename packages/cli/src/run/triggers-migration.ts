import type { Context } from '../context.ts'
import { triggersSql } from '../creation-migration.ts'
import { defaultFolder } from '../migration.ts'
import type { PathWish } from '../trigger-paths.ts'
import { writeTriggers } from '../triggers-migration.ts'

export interface MigrationOptions {
  readonly path?: PathWish
  readonly policy?: boolean
  readonly remove?: boolean
  readonly folder?: string
  readonly print?: boolean
}

export async function run(
  context: Context,
  options: MigrationOptions,
  named: readonly string[],
): Promise<void> {
  const { print, folder = defaultFolder, ...wish } = options
  if (print !== true) return writeTriggers(context, named, { ...wish, folder })
  const sql = await triggersSql(context, wish, named)
  if (context.output.json) context.output.data({ sql })
  else context.output.write(sql.endsWith('\n') ? sql : `${sql}\n`)
}
