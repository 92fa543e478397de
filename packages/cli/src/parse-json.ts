/** A value, or what is wrong with the text and where. The text itself is not repeated: it may hold anything. */
export type ParsedJson =
  | { readonly value: unknown; readonly fault?: undefined }
  | { readonly value?: undefined; readonly fault: string }

export function parseJson(text: string): ParsedJson {
  try {
    const lost = /\d{16}/.test(text) ? lossyNumber(text) : undefined
    if (lost === undefined) return { value: JSON.parse(text) }
    return { fault: `the number ${lost} would lose digits; write it as a string` }
  } catch (thrown) {
    return { fault: `expected JSON, ${whereAndWhat(text, (thrown as Error).message)}` }
  }
}

/** A whole number beyond what JavaScript keeps exactly: it would be stored as another number. */
function lossyNumber(text: string): string | undefined {
  let lost: string | undefined
  JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) => {
    const source = context?.source
    if (
      typeof value === 'number' &&
      source !== undefined &&
      /^-?\d+$/.test(source) &&
      !Number.isSafeInteger(value)
    ) {
      lost ??= source.slice(0, 40)
    }
    return value
  })
  return lost
}

/** V8 says where in most of its messages, and repeats the text in all of them. */
function whereAndWhat(text: string, message: string): string {
  if (text.trim() === '') return 'got nothing'
  const said = /at position (\d+)/.exec(message)?.[1]
  if (/end of JSON input|Unterminated/i.test(message) || Number(said) >= text.length) {
    return `but it ends too early, ${place(text, text.length)}`
  }
  const token = /Unexpected token '(.)'/su.exec(message)?.[1]
  const at = said === undefined ? undefined : Number(said)
  const what =
    token === undefined
      ? (message.split(/ in JSON| at position/)[0] ?? 'something else')
      : `a stray ${JSON.stringify(token)}`
  return `got ${what.charAt(0).toLowerCase()}${what.slice(1)} ${at === undefined ? place(text, firstFault(text)) : place(text, at)}`
}

/** Where it stops being JSON: the longest beginning whose only fault is that it ends. */
function firstFault(text: string): number {
  let [low, high] = [0, Math.min(text.length, 100_000)]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (isBeginning(text.slice(0, middle))) low = middle
    else high = middle - 1
  }
  return low
}

function isBeginning(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch (thrown) {
    const { message } = thrown as Error
    const at = /at position (\d+)/.exec(message)?.[1]
    return /end of JSON input|Unterminated string/i.test(message) || Number(at) >= text.length
  }
}

function place(text: string, at: number): string {
  const before = text.slice(0, at).split('\n')
  const column = (before.at(-1)?.length ?? 0) + 1
  return text.includes('\n') ? `at line ${before.length}, column ${column}` : `at column ${column}`
}
