import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { CliError } from '../cli-error.ts'
import type { Context } from '../context.ts'
import { creationSql } from '../creation-migration.ts'
import { exitCode } from '../exit-code.ts'
import { defaultFolder, writeMigration } from '../migration.ts'
import { dockerFiles, type Files, projectFiles } from '../scaffold.ts'
import { canImportStep } from '../steps.ts'

export interface InitOptions {
  readonly supabase?: boolean
  readonly docker?: boolean
  readonly all?: boolean
}

export async function run(context: Context, options: InitOptions, given: string | undefined): Promise<void> {
  const { output, cwd } = context
  const folder = resolve(cwd, given ?? '.')
  const extras = await chooseExtras(context, options)
  const name =
    basename(folder)
      .toLowerCase()
      .replaceAll(/[^a-z0-9._-]+/g, '-')
      .replace(/^[._-]+/, '') || 'jobs'
  const files: Files = { ...projectFiles(name), ...(extras.docker ? dockerFiles() : {}) }
  const created: string[] = []
  const kept: string[] = []
  for (const [path, text] of Object.entries(files)) {
    const shown = relative(cwd, join(folder, path))
    if (await writeNew(join(folder, path), text, shown)) created.push(shown)
    else kept.push(shown)
  }
  if (extras.supabase) created.push(await writeSupabase(context, folder))
  if (output.json) {
    output.data({ folder, created, kept })
    return
  }
  for (const path of created) output.line(`${output.style('green', '✓')} wrote ${path}`)
  for (const path of kept) output.line(`${output.style('dim', '=')} kept ${path}, which was there`)
  sayNext(context, folder, given)
}

async function chooseExtras(
  { output, signal }: Context,
  { supabase, docker, all }: InitOptions,
): Promise<{ readonly supabase: boolean; readonly docker: boolean }> {
  const asked = { supabase: (supabase ?? all) === true, docker: (docker ?? all) === true }
  if (asked.supabase || asked.docker || !output.interactive) return asked
  const { multiselect, isCancel } = await import('@clack/prompts')
  const answer = await multiselect({
    message: 'Besides a handler and an example of .env?',
    options: [
      { value: 'supabase', label: 'a migration for Supabase' },
      { value: 'docker', label: 'a Dockerfile' },
    ],
    required: false,
    output: process.stderr,
    signal,
  })
  if (isCancel(answer)) throw new CliError('nothing was done', exitCode.interrupted)
  return { supabase: answer.includes('supabase'), docker: answer.includes('docker') }
}

/** False: something of that name is there, and stays. */
async function writeNew(path: string, text: string, shown: string): Promise<boolean> {
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text, { flag: 'wx' })
    return true
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST' && existsSync(path)) return false
    throw new CliError(`${shown}: cannot be written (${code})`, exitCode.input, { cause })
  }
}

async function writeSupabase(context: Context, folder: string): Promise<string> {
  const options = { dlq: true, realtime: true, policy: true }
  const sql = await creationSql(context, options, ['emails'])
  const file = await writeMigration({ cwd: folder }, defaultFolder, 'aimq', sql)
  return relative(context.cwd, join(folder, file))
}

function sayNext(context: Context, folder: string, given: string | undefined): void {
  const { output, program } = context
  const steps = [
    ...(given === undefined || given === '.' ? [] : [[`cd ${given}`, '']]),
    ...(canImportStep('worker', folder) ? [] : [['npm install', 'what the handler imports']]),
    [`${program} dev`, 'a PostgreSQL with pgmq and Realtime; leave it running'],
    [`${program} create emails`, 'the queue, in another terminal'],
    [`${program} start handlers`, 'its worker'],
    [`${program} send emails '{"to":"ada@example.com"}'`, 'a job, in a third one'],
    [`${program} top`, 'what flows, live'],
  ]
  const width = Math.max(...steps.map(([line = '']) => line.length))
  output.line('\nNext:')
  for (const [line = '', meaning] of steps) {
    output.line(meaning ? `  ${line.padEnd(width)}  ${output.style('dim', `# ${meaning}`)}` : `  ${line}`)
  }
}
