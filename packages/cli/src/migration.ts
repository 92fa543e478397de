import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { CliError } from './cli-error.ts'
import type { Context } from './context.ts'
import { exitCode } from './exit-code.ts'

/** Where the Supabase CLI looks for migrations. */
export const defaultFolder = 'supabase/migrations'

/**
 * Writes a migration as the Supabase CLI names them, `<UTC time>_<subject>.sql`, after every one that is there already:
 * they run in the order of their names. Never overwrites. Answers with its path, as a person would type it.
 */
export async function writeMigration(
  { cwd }: Pick<Context, 'cwd'>,
  folder: string,
  subject: string,
  sql: string,
): Promise<string> {
  const path = resolve(cwd, folder)
  try {
    await mkdir(path, { recursive: true })
    const last =
      (await readdir(path))
        .map((name) => /^(\d{14})_/.exec(name)?.[1] ?? '')
        .sort()
        .at(-1) ?? ''
    const now = stamp(new Date())
    const file = join(path, `${now > last ? now : String(BigInt(last) + 1n)}_${subject}.sql`)
    await writeFile(file, sql.endsWith('\n') ? sql : `${sql}\n`, { flag: 'wx' })
    return relative(cwd, file).startsWith('..') ? file : relative(cwd, file)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new CliError(`${folder}: a migration cannot be written there (${code})`, exitCode.input, { cause })
  }
}

const stamp = (date: Date): string => date.toISOString().replaceAll(/\D/g, '').slice(0, 14)

/** A flag with an optional value: `--migration`, or `--migration <folder>`. */
export const folderOf = (flag: string | true): string => (flag === true ? defaultFolder : flag)

/** What to do with a migration, in a folder with a Supabase project and in one without. */
export const applyHint = ({ cwd }: Pick<Context, 'cwd'>, file: string): string =>
  existsSync(join(cwd, 'supabase'))
    ? 'Apply it: supabase db push'
    : `Apply it: psql "$DATABASE_URL" -f ${file}`
