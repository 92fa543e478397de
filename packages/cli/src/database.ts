import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { CliError } from './cli-error.ts'
import type { Context } from './context.ts'
import { loadStep } from './steps.ts'

/** The database that a command is about. */
export interface Database {
  readonly connectionString: string
  /** For people: where it is, without user and password. */
  readonly location: string
  /** On this machine: nothing of anybody else is at stake. */
  readonly isLocal: boolean
  /** It is ours, started for this folder. */
  readonly embedded: boolean
  stop(): Promise<void>
}

/** What `@aimq/embedded` gives, as far as it is used here. */
export interface Embedded {
  readonly connectionString: string
  readonly port: number
  readonly dataDir: string
  readonly joined: boolean
  readonly realtime?: { readonly url: string; readonly anonKey: string; readonly serviceRoleKey: string }
  stop(): Promise<void>
}

/** `DATABASE_URL`, or else the embedded database of this folder, where there is one. */
export async function openDatabase(context: Context): Promise<Database> {
  const { database, env, program } = context
  const url = env[database.variable]
  if (url !== undefined && url !== '') return givenDatabase(url, context.originOf(database.variable))
  if (database.variableAsked) {
    throw new CliError(`${database.variable}: expected a connection string in this variable, got nothing`)
  }
  if (!hasData(database.dataDir)) {
    throw new CliError(
      `no database: set ${database.variable} in the environment or in .env, or start one in this folder with: ${program} dev`,
    )
  }
  return openEmbedded(context)
}

/** Whether it is one. Never with the value: it holds a password, and a mistyped one does not look like one. */
export function connectionStringFault(url: string, origin: string): string[] {
  if (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) return []
  return [
    `${origin}: expected a connection string such as postgres://user:password@host:5432/database (not shown, it may hold a secret; special characters in the password are written as %40 and the like)`,
  ]
}

/** @throws CliError when it is no connection string */
export function givenDatabase(url: string, origin: string): Database {
  const [fault] = connectionStringFault(url, origin)
  if (fault !== undefined) throw new CliError(fault)
  const { hostname, port, pathname, searchParams } = new URL(url)
  const host = searchParams.get('host') ?? hostname
  return {
    connectionString: url,
    location: `${host || 'local socket'}${port && `:${port}`}${decodeURIComponent(pathname)}`,
    isLocal: host === '' || host.startsWith('/') || host === 'localhost' || /^(127\.|\[::1\]$)/.test(host),
    embedded: false,
    stop: async () => {},
  }
}

/** Its data lies in the folder, or a note that says where root had to put it. */
const hasData = (folder: string): boolean =>
  ['pgdata', 'WHERE-THE-DATA-IS.txt'].some((name) => existsSync(join(folder, name)))

async function openEmbedded(context: Context): Promise<Database> {
  const { dataDir } = context.database
  const embedded = await startEmbedded(context, { dataDir, signal: context.signal })
  return {
    connectionString: embedded.connectionString,
    location: `the embedded PostgreSQL of ${shownFolder(context)} (127.0.0.1:${embedded.port})`,
    isLocal: true,
    embedded: true,
    stop: () => embedded.stop(),
  }
}

export async function startEmbedded(context: Context, options: object): Promise<Embedded> {
  const exports = await loadStep('embedded', context.cwd)
  return (exports.startEmbedded as (options: object) => Promise<Embedded>)(options)
}

/** A Realtime server of this process on the embedded database; undefined when it does not start. */
export async function startLocalRealtime(
  context: Context,
  { connectionString }: Database,
): Promise<(NonNullable<Embedded['realtime']> & { stop(): Promise<void> }) | undefined> {
  const { startRealtime } = await loadStep('embedded', context.cwd)
  type Start = (options: object) => ReturnType<typeof startLocalRealtime>
  return await (startRealtime as Start)({ connectionString, signal: context.signal }).catch(
    (thrown: Error) => {
      context.output.note(`the local Realtime does not start: ${thrown.message}`)
      return undefined
    },
  )
}

export function shownFolder({ cwd, database }: Pick<Context, 'cwd' | 'database'>): string {
  const near = relative(cwd, database.dataDir)
  return near === '' ? '.' : near.startsWith('..') ? database.dataDir : near
}
