type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown

const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Parses what is only going to be sent on: a number that JavaScript cannot hold (beyond 2⁵³, or `1.0`) stays the text
 * it came as, and `JSON.stringify` gives that text again.
 */
export function parseLossless(text: string): unknown {
  const keepNumbers: Reviver = (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value
  return JSON.parse(text, keepNumbers as (key: string, value: unknown) => unknown)
}
