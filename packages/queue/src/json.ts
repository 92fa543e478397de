import { QueueError, type QueueErrorCode, queueErrorCodes } from './errors.ts'

/** Deeper than anyone nests on purpose, and far from the stack limits of both sides. */
const maxDepth = 200

export interface JsonLimits {
  readonly maxBytes: number
  /** What the text is for, as it begins a message: `payload`, `headers`. */
  readonly what: string
  readonly code?: QueueErrorCode
  readonly queue?: string
}

/**
 * `value` as JSON that comes back deeply equal, or a typed error that names the place. `JSON.stringify` alone would
 * turn NaN into null, a Date into a string and a Map into `{}` without a word, and PostgreSQL refuses some strings.
 * An object's properties that are undefined are left out; -0 comes back as 0.
 */
export function encodeJson(value: unknown, limits: JsonLimits): string {
  const fault = new Walk(limits.maxBytes).visit(value, 0)
  if (fault !== undefined) throw refused(limits, describe(fault, limits))
  const text = JSON.stringify(value)
  // No character is more than three bytes of UTF-8.
  if (text.length * 3 <= limits.maxBytes) return text
  const bytes = Buffer.byteLength(text)
  if (bytes > limits.maxBytes) throw refused(limits, tooLarge(limits, `${bytes}`))
  return text
}

function refused({ code, queue }: JsonLimits, message: string): QueueError {
  const prefix = queue === undefined ? '' : `queue "${queue}": `
  return new QueueError(code ?? queueErrorCodes.invalidPayload, prefix + message, { queue })
}

function tooLarge(limits: JsonLimits, bytes: string): string {
  return `expected ${limits.what} of at most ${limits.maxBytes} bytes, got ${bytes}; store it elsewhere and send a reference to it`
}

/** What is wrong with a value, and where. */
interface Fault {
  readonly got: string
  readonly remedy: string
  /** The keys that lead there, innermost first: gathered on the way back, since nearly always there is no fault. */
  readonly path: (string | number)[]
  /** What is nested too deeply. */
  readonly tooDeep?: object
  /** More nodes than bytes are allowed. */
  readonly tooMany?: true
}

/** One walk over a value. */
class Walk {
  #nodesLeft: number

  constructor(maxNodes: number) {
    this.#nodesLeft = maxNodes
  }

  visit(value: unknown, depth: number): Fault | undefined {
    // Each node is at least a byte; without this, shared references could make a small graph an endless text.
    if (this.#nodesLeft-- <= 0) return { ...fault('more', ''), tooMany: true }
    switch (typeof value) {
      case 'string':
        return faultOfText(value)
      case 'boolean':
        return undefined
      case 'number':
        return Number.isFinite(value) ? undefined : fault(`${value}`, 'send null or a string')
      case 'bigint':
        return fault('a BigInt', 'send it as a string')
      case 'undefined':
        return fault('undefined', 'send null')
      case 'object':
        return value === null ? undefined : this.#object(value, depth)
      default:
        return fault(`a ${typeof value}`, 'send data only')
    }
  }

  #object(value: object, depth: number): Fault | undefined {
    if (depth >= maxDepth) {
      return { ...fault(`more than ${maxDepth} levels of nesting`, 'send it flatter'), tooDeep: value }
    }
    const odd = describeUnlessPlain(value)
    if (odd !== undefined) return fault(odd[0], odd[1])
    const found = Array.isArray(value) ? this.#items(value, depth) : this.#properties(value, depth)
    if (found?.tooDeep !== value) return found
    return { ...found, got: 'a reference to an object that contains it', remedy: 'send an id instead' }
  }

  #items(items: readonly unknown[], depth: number): Fault | undefined {
    for (let index = 0; index < items.length; index++) {
      const found = this.visit(items[index], depth + 1)
      if (found !== undefined) return within(index, found)
    }
    return undefined
  }

  #properties(value: object, depth: number): Fault | undefined {
    if (Object.getOwnPropertySymbols(value).length > 0) {
      return fault('an object with a symbol as key', 'use a string')
    }
    for (const key of Object.keys(value)) {
      const item = (value as Record<string, unknown>)[key]
      if (item === undefined) continue
      const found = faultOfText(key) ?? this.visit(item, depth + 1)
      if (found !== undefined) return within(key, found)
    }
    return undefined
  }
}

function fault(got: string, remedy: string): Fault {
  return { got, remedy, path: [] }
}

function within(key: string | number, found: Fault): Fault {
  found.path.push(key)
  return found
}

function faultOfText(text: string): Fault | undefined {
  if (text.includes('\0')) {
    return fault('a string with the character U+0000', 'PostgreSQL cannot store it; take it out')
  }
  if (text.isWellFormed()) return undefined
  return fault('a string with half a surrogate pair', 'cut text by code points, or call toWellFormed()')
}

function describe({ got, remedy, path, tooMany }: Fault, limits: JsonLimits): string {
  if (tooMany) return tooLarge(limits, got)
  const place = path
    .toReversed()
    .map((key) =>
      typeof key === 'number'
        ? `[${key}]`
        : /^[\w$]+$/.test(key)
          ? `.${key}`
          : `[${JSON.stringify(key.slice(0, 40))}]`,
    )
    .join('')
  return `expected plain JSON data in ${limits.what}${place.slice(0, 400)}, got ${got}; ${remedy}`
}

function describeUnlessPlain(value: object): readonly [string, string] | undefined {
  if (Array.isArray(value)) return undefined
  const prototype: unknown = Object.getPrototypeOf(value)
  // The second test lets plain objects of another realm (a vm, a test runner) pass.
  if (prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null) {
    return undefined
  }
  if (value instanceof Date) return ['a Date', 'send date.toISOString() or date.getTime()']
  if (value instanceof Map) return ['a Map', 'send Object.fromEntries(map) or [...map]']
  if (value instanceof Set) return ['a Set', 'send [...set]']
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return ['binary data', "send it as text, for example Buffer.from(data).toString('base64')"]
  }
  if (value instanceof Promise) return ['a Promise', 'await it']
  const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name
  return [
    `an instance of ${typeof name === 'string' && name !== '' ? name : 'a class'}`,
    'send a plain object, for example { ...instance }',
  ]
}

/**
 * What `text` says. An integer that a number cannot hold arrives as a string of its digits; every number that this
 * package sent arrives as the number it was.
 */
export function decodeJson(text: string | null): unknown {
  if (text === null) return null
  // Rewritten rather than revived: a reviver recurses, and a message nested deeply enough would fail every read.
  return JSON.parse(/\d{16}/.test(text) ? quoteLongIntegers(text) : text)
}

/** JSON in which every integer that a number cannot hold stands in quotes. */
function quoteLongIntegers(json: string): string {
  let quoted = ''
  for (let at = 0; at < json.length; ) {
    const string = json.indexOf('"', at)
    const end = string === -1 ? json.length : string
    quoted += json.slice(at, end).replaceAll(/-?\d[\d.eE+-]*/g, quoteIfLong)
    at = string === -1 ? json.length : endOfString(json, string)
    quoted += json.slice(end, at)
  }
  return quoted
}

function quoteIfLong(source: string): string {
  const digits = source.replace('-', '')
  return /^\d{16,}$/.test(digits) && digits !== digitsOf(Math.abs(Number(source))) ? `"${source}"` : source
}

/** Behind the closing quote of the string that begins at `start`. */
function endOfString(json: string, start: number): number {
  for (let quote = json.indexOf('"', start + 1); quote !== -1; quote = json.indexOf('"', quote + 1)) {
    let backslashes = 0
    while (json[quote - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return quote + 1
  }
  return json.length
}

/** A whole number as PostgreSQL prints it: 1e+23 is 1 and 23 zeros, not the exact value of the nearest double. */
function digitsOf(value: number): string {
  const [mantissa = '', exponent] = String(value).split('e+')
  if (exponent === undefined) return mantissa
  const [whole = '', fraction = ''] = mantissa.split('.')
  return whole + fraction.padEnd(Number(exponent), '0')
}
