import { readdirSync, statSync } from 'node:fs'
import { basename, extname, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { assertQueueName, type QueueDefinition, redact, summarizeError } from '@aimq/events'
import { loadStep } from '../steps.ts'
import { Compiled } from './compiled.ts'
import { checkImports } from './import-check.ts'
import { StartError } from './start-failure.ts'

/** A job, as far as it matters here. */
export interface HandledJob {
  readonly queue: string
  readonly id: string
  readonly attempt: number
  readonly payload: unknown
}

/** What the worker step's `defineHandler` makes, as far as it matters here. */
export interface HandlerDefinition {
  readonly queue: QueueDefinition
  // biome-ignore lint/suspicious/noExplicitAny: handlers of different payloads have no common payload type.
  readonly handler: (job: any) => unknown
  readonly policy: { readonly concurrency?: number; readonly onComplete?: 'archive' | 'delete' }
}

/** Handlers by queue, each with its queue's definition. */
export type HandlerRecord = Readonly<Record<string, HandlerDefinition>>

type Handler = HandlerDefinition['handler']
type DefineHandler = (queue: string, handler: Handler) => HandlerDefinition

export interface LoadOptions {
  /** How long one file may take. */
  readonly importTimeoutMs?: number
  readonly signal?: AbortSignal
  /** Where else the worker step can be resolved from. */
  readonly stepsFrom?: string | undefined
}

const handlerFile = /^[^.].*\.[cm]?[jt]s$/
const notAHandler = /\.d\.[cm]?ts$|\.(test|spec|test-d)\.[cm]?[jt]s$/

/**
 * Handlers from `path`: a folder with one file per queue (`emails.ts` works the queue "emails", unless it exports what
 * `defineHandler` returns, which names its queue), or one module with a record of them. Subfolders are left alone: they
 * are the place for what handlers share.
 *
 * `path` starts at `cwd`, and files are shown as it was given.
 *
 * @throws `app/handlers` with all that is wrong in all files; the signal's reason when that aborts
 */
export async function loadHandlers(
  given: string | undefined,
  cwd: string,
  { importTimeoutMs: timeoutMs = 30_000, signal, stepsFrom }: LoadOptions = {},
): Promise<HandlerRecord> {
  if (given === undefined) return {}
  const path = resolve(cwd, given)
  const shown = (file: string) => join(given, relative(path, file))
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) throw notUsable([`${given}: there is no such file or folder`])
  const isFolder = stats.isDirectory()
  const files = isFolder ? handlerFiles(path) : [path]
  if (files.length === 0)
    throw notUsable([`${shown(path)}: expected a .ts or .js file for at least one queue, got none`])
  const handlers: Record<string, HandlerDefinition> = {}
  const cameFrom = new Map<string, string>()
  const faults: string[] = []
  const defineHandler = (await loadStep('worker', cwd, stepsFrom)).defineHandler as DefineHandler
  using compiled = new Compiled()
  const deadly = await checkImports(files, { timeoutMs, signal, compileCache: compiled.folder })
  compiled.take()
  for (const file of files) {
    try {
      const fault = deadly.get(file)
      if (fault !== undefined) throw new Error(fault)
      const exported = await importModule(file, timeoutMs, signal)
      for (const [queue, handler] of handlersIn(
        exported,
        basename(file, extname(file)),
        isFolder,
        defineHandler,
      )) {
        const first = cameFrom.get(queue)
        if (first !== undefined)
          throw new Error(`works the queue "${queue}", which ${shown(first)} works already`)
        cameFrom.set(queue, file)
        handlers[queue] = handler
      }
    } catch (thrown) {
      signal?.throwIfAborted()
      faults.push(
        `${shown(file)}${lineOf(thrown, file)}: ${redact(summarizeError(thrown).message)}${remedy(thrown)}`,
      )
    }
  }
  if (faults.length > 0) throw notUsable(faults)
  return handlers
}

function notUsable(faults: readonly string[]): StartError {
  const lines = faults.map((fault) => `\n  - ${fault}`).join('')
  return new StartError('app/handlers', `the handlers are not usable; nothing was started${lines}`)
}

function handlerFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => handlerFile.test(name) && !notAHandler.test(name))
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile())
    .sort()
}

interface Exports {
  readonly default?: unknown
  readonly handlers?: unknown
}

async function importModule(
  file: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Exports> {
  const { promise, reject } = Promise.withResolvers<never>()
  const tooLong = () =>
    reject(new Error(`is not loaded after ${timeoutMs / 1000} s; is there an endless await?`))
  const timer = setTimeout(tooLong, timeoutMs)
  const stop = () => reject(signal?.reason)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    signal?.throwIfAborted()
    return (await Promise.race([import(pathToFileURL(file).href), promise])) as Exports
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}

/** Node says which package it did not find, and not what to do about it. */
function remedy(thrown: unknown): string {
  const { code, message } = thrown as NodeJS.ErrnoException
  const name =
    code === 'ERR_MODULE_NOT_FOUND' ? /^Cannot find package '([^']+)'/.exec(message)?.[1] : undefined
  return name === undefined ? '' : `; install it next to the handlers: npm install ${name}`
}

function handlersIn(
  exported: Exports,
  name: string,
  isFolder: boolean,
  defineHandler: DefineHandler,
): [string, HandlerDefinition][] {
  const main = exported.default ?? exported.handlers
  // An empty file is a CommonJS module, whose default export is an empty object.
  if (main === undefined || (isPlainObject(main) && Object.keys(main).length === 0)) {
    const remedy = isFolder ? '; what handlers share belongs in a subfolder' : ''
    throw new Error(`expected "export default", followed by a handler, got none${remedy}`)
  }
  if (isEntry(main)) {
    const definition = define(main, name, defineHandler)
    return [[definition.queue.name, definition]]
  }
  const record = Object.entries(isPlainObject(main) ? main : {})
  const wrong = record.filter(([, entry]) => !isEntry(entry)).map(([key]) => key)
  if (record.length === 0 || wrong.length > 0) {
    const got = wrong.length > 0 ? `an object whose ${wrong.join(', ')} is something else` : describe(main)
    throw new Error(
      `expected a function, what defineHandler() returns, or an object of those by queue, got ${got}`,
    )
  }
  return record.map(([key, entry]) => {
    const definition = define(entry as Entry, key, defineHandler)
    const queue = definition.queue.name
    if (queue !== key)
      throw new Error(`expected the handler of queue "${queue}" under that name, got it under "${key}"`)
    return [queue, definition]
  })
}

/** Checks the names, too: of the queue and of the dead-letter queue that follows from it. */
function define(entry: Entry, name: string, defineHandler: DefineHandler): HandlerDefinition {
  if (typeof entry === 'function') return defineHandler(name, entry)
  assertQueueName(entry.queue.name)
  return entry
}

type Entry = Handler | HandlerDefinition

function isEntry(value: unknown): value is Entry {
  if (typeof value === 'function') return true
  const candidate = value as Partial<HandlerDefinition> | null
  return (
    isPlainObject(value) &&
    typeof candidate?.handler === 'function' &&
    typeof candidate.queue?.name === 'string'
  )
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const describe = (value: unknown): string =>
  value === null ? 'null' : `a value of type ${Array.isArray(value) ? 'array' : typeof value}`

/** `:12` when the stack says where in `file` it happened. */
function lineOf(thrown: unknown, file: string): string {
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : ''
  const at = stack.indexOf(file)
  const line = at === -1 ? null : /^:(\d+)/.exec(stack.slice(at + file.length))
  return line === null ? '' : `:${line[1]}`
}
