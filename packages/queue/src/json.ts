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
  const walk = new Walk(limits)
  const fault = walk.visit(value)
  if (fault !== undefined) throw refused(limits, fault)
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

class Walk {
  readonly #limits: JsonLimits
  readonly #path: (string | number)[] = []
  readonly #ancestors: object[] = []
  #nodes = 0

  constructor(limits: JsonLimits) {
    this.#limits = limits
  }

  /** What is wrong with `value`, or undefined. */
  visit(value: unknown): string | undefined {
    // Each node is at least a byte; without this, shared references could make a small graph an endless text.
    this.#nodes += 1
    if (this.#nodes > this.#limits.maxBytes) return tooLarge(this.#limits, 'more')
    switch (typeof value) {
      case 'string':
        return this.#string(value)
      case 'boolean':
        return undefined
      case 'number':
        return Number.isFinite(value) ? undefined : this.#refuse(`${value}`, 'send null or a string')
      case 'bigint':
        return this.#refuse('a BigInt', 'send it as a string')
      case 'undefined':
        return this.#refuse('undefined', 'send null')
      case 'object':
        return value === null ? undefined : this.#object(value)
      default:
        return this.#refuse(`a ${typeof value}`, 'send data only')
    }
  }

  #string(value: string): string | undefined {
    if (value.includes('\0')) {
      return this.#refuse('a string with the character U+0000', 'PostgreSQL cannot store it; take it out')
    }
    if (!value.isWellFormed()) {
      return this.#refuse(
        'a string with half a surrogate pair',
        'cut text by code points, or call toWellFormed()',
      )
    }
    return undefined
  }

  #object(value: object): string | undefined {
    if (this.#ancestors.length >= maxDepth) {
      return this.#ancestors.includes(value)
        ? this.#refuse('a reference to an object that contains it', 'send an id instead')
        : this.#refuse(`more than ${maxDepth} levels of nesting`, 'send it flatter')
    }
    const odd = describeUnlessPlain(value)
    if (odd !== undefined) return this.#refuse(odd[0], odd[1])
    this.#ancestors.push(value)
    const fault = Array.isArray(value) ? this.#items(value) : this.#properties(value)
    this.#ancestors.pop()
    return fault
  }

  #items(items: readonly unknown[]): string | undefined {
    for (let index = 0; index < items.length; index++) {
      this.#path.push(index)
      const fault = this.visit(items[index])
      if (fault !== undefined) return fault
      this.#path.pop()
    }
    return undefined
  }

  #properties(value: object): string | undefined {
    if (Object.getOwnPropertySymbols(value).length > 0) {
      return this.#refuse('an object with a symbol as key', 'use a string')
    }
    for (const key of Object.keys(value)) {
      const item = (value as Record<string, unknown>)[key]
      if (item === undefined) continue
      this.#path.push(key)
      const fault = this.#string(key) ?? this.visit(item)
      if (fault !== undefined) return fault
      this.#path.pop()
    }
    return undefined
  }

  #refuse(got: string, remedy: string): string {
    const place = this.#path
      .map((key) =>
        typeof key === 'number'
          ? `[${key}]`
          : /^[\w$]+$/.test(key)
            ? `.${key}`
            : `[${JSON.stringify(key.slice(0, 40))}]`,
      )
      .join('')
    return `expected plain JSON data in ${this.#limits.what}${place.slice(0, 400)}, got ${got}; ${remedy}`
  }
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
