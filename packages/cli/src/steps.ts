import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from '@aimq/events'
import { CliError } from './cli-error.ts'
import { exitCode } from './exit-code.ts'

/** What can be installed, and for what a command wants it. */
const purposes = {
  queue: 'the pgmq client',
  worker: 'the loop that runs handlers',
  realtime: 'wake-ups over LISTEN/NOTIFY and Supabase Realtime',
  triggers: 'the triggers by which the database itself tells of new jobs',
  embedded: 'a PostgreSQL with pgmq on this machine, when there is no DATABASE_URL',
} as const

export type StepName = keyof typeof purposes

/** A step as this program knows it: by the name of its package, and of what that exports. Everything else goes over the bus. */
export type StepExports = Readonly<Record<string, unknown>>

/**
 * Where the package is: in the project it is used in first, then beside `also` (a path or URL), then among our own
 * dependencies; undefined: nowhere.
 */
export function findStep(name: StepName, cwd: string, also?: string): string | undefined {
  const places = [join(cwd, 'package.json'), also ?? import.meta.url, import.meta.url]
  return places.map((from) => resolveStep(name, from)).find((path) => path !== undefined)
}

/** Whether files in `folder` can import the step: what this program brings for itself is no use to them. */
export function canImportStep(name: StepName, folder: string): boolean {
  return resolveStep(name, join(folder, 'package.json')) !== undefined
}

function resolveStep(name: StepName, from: string): string | undefined {
  try {
    return createRequire(from).resolve(`@aimq/${name}`)
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw thrown
    return undefined
  }
}

/** @throws CliError with the package to install and the command line to do so */
export async function loadStep(name: StepName, cwd: string, also?: string): Promise<StepExports> {
  const path = findStep(name, cwd, also)
  if (path === undefined) throw missingStep(name)
  return (await import(pathToFileURL(path).href)) as StepExports
}

type PluginStep = Exclude<StepName, 'embedded'>

/** The step's plugin, which is what its package exports under its own name. */
export async function loadPlugin(
  name: PluginStep,
  cwd: string,
  options: object,
  also?: string,
): Promise<Plugin> {
  const plugin = await findPlugin(name, cwd, options, also)
  if (plugin === undefined) throw missingStep(name)
  return plugin
}

/** Undefined: the step is not installed. */
export async function findPlugin(
  name: PluginStep,
  cwd: string,
  options: object,
  also?: string,
): Promise<Plugin | undefined> {
  if (findStep(name, cwd, also) === undefined) return undefined
  const make = (await loadStep(name, cwd, also))[name]
  return typeof make === 'function' ? (make(options) as Plugin) : undefined
}

export function missingStep(name: StepName): CliError {
  const dev = name === 'embedded' ? '--save-dev ' : ''
  return new CliError(
    `this needs @aimq/${name} (${purposes[name]}), which is not installed; run: npm install ${dev}@aimq/${name}`,
    exitCode.configuration,
  )
}
