import { redact } from './redact.ts'

/** The part of pino's interface AIMQ uses: fields first, then one readable sentence. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/**
 * What a bus logs to when it is given no logger: warnings and errors on stderr, nothing else, so that a library stays
 * quiet and a fault is still seen.
 */
export const consoleLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: (fields, message) => console.warn(line('warn', fields, message)),
  error: (fields, message) => console.error(line('error', fields, message)),
}

/** Says nothing at all. */
export const silentLogger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

function line(level: string, fields: object, message: string): string {
  const pairs = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return redact(`aimq ${level}: ${message}${pairs.join('')}`)
}
