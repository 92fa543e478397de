import { type Logger, redact } from '@aimq/events'
import { pino } from 'pino'
import type { Output } from './output.ts'

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly format: 'pretty' | 'json'
  readonly output: Output
}

export interface Logs {
  readonly log: Logger
  /** For lines that come in numbers, and of what is over: they are written together, soon. */
  readonly bulk: Logger
}

/**
 * One line per event on stdout. Everything passes through `redact` as text before it becomes JSON, and is written
 * by this thread: a transport in another thread loses the last lines of a process that exits.
 */
export async function createLogs({ level, format, output }: LogOptions): Promise<Logs> {
  const shown = format === 'pretty' ? await prettyLine(output) : (line: string) => line
  return {
    log: createLog(level, (line) => output.write(shown(line))),
    bulk: createLog(level, (line) => output.writeSoon(shown(line))),
  }
}

/** For people. Loaded for them alone. */
async function prettyLine({ isTerminal }: Output): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty')
  return prettyFactory({
    colorize: isTerminal && !process.env.NO_COLOR,
    singleLine: true,
    ignore: 'pid,hostname',
    translateTime: 'HH:MM:ss.l',
  })
}

function createLog(level: LogOptions['level'], write: (line: string) => void): Logger {
  return pino(
    {
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        // Words, not pino's numbers: collectors other than pino's own understand them.
        level: (label) => ({ level: label }),
        log: (fields) => clean(fields, 0) as Record<string, unknown>,
      },
      // Our own `clean` has made plain data of errors already.
      serializers: { err: (error) => error },
      hooks: {
        logMethod([fields, message], method) {
          method.call(this, fields, redact(String(message ?? '')))
        },
      },
    },
    { write },
  ) as Logger
}

const secretName = /pass(word|wd)?$|secret|token|authorization|api_?key|cookie/i
const maxDepth = 8

/** A copy without secrets: texts that hold one are redacted, and so is any text under a name that announces one. */
function clean(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redact(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= maxDepth) return '…'
  if (value instanceof Error) {
    const { name, message, stack } = value
    const code = (value as { code?: unknown }).code
    return clean({ type: name, ...(code === undefined ? {} : { code }), message, stack }, depth + 1)
  }
  if (Array.isArray(value)) return value.map((item) => clean(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      typeof item === 'string' && secretName.test(key) ? '***' : clean(item, depth + 1),
    ]),
  )
}
