import { styleText } from 'node:util'
import { toJson } from './to-json.ts'

type Style = Parameters<typeof styleText>[0]

/** The one way to stdout and stderr. Silent on a stream whose reader has gone. */
export interface Output {
  /** Data goes out as JSON, and nothing else goes to stdout. */
  readonly json: boolean
  /** Somebody sits in front of it, and may be asked. */
  readonly interactive: boolean
  /** Stdout is a terminal. */
  readonly isTerminal: boolean
  /** Stderr is one: progress may be shown there. */
  readonly showsProgress: boolean
  columns(): number
  rows(): number
  /** Stdout, as it is. */
  write(text: string): void
  /** Stdout, a line for people. Nothing with `--json`. */
  line(text?: string): void
  /** Stdout: one JSON document. */
  data(value: unknown): void
  /** Stderr: what is not the answer, such as which database was asked. Nothing with `--json`. */
  note(text: string): void
  /** Stderr, whatever the format. */
  complain(text: string): void
  style(format: Style, text: string): string
  /** The same, for stderr. */
  noteStyle(format: Style, text: string): string
}

export interface OutputOptions {
  readonly json: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  /** Stdout's reader has gone. */
  readonly onClosed: (error: Error) => void
}

/** `NO_COLOR` wins, then `FORCE_COLOR`, then whether it is a terminal that is not dumb. */
function wantsColour(stream: NodeJS.WriteStream, env: OutputOptions['env']): boolean {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0'
  return stream.isTTY === true && env.TERM !== 'dumb'
}

export function openOutput({ json, env, onClosed }: OutputOptions): Output {
  const { stdout, stderr, stdin } = process
  let closed = false
  stdout.on('error', (error) => {
    if (closed) return
    closed = true
    onClosed(error)
  })
  // Nobody is left to tell.
  stderr.on('error', () => {})
  const colour = !json && wantsColour(stdout, env)
  const noteColour = wantsColour(stderr, env)
  const isTerminal = stdout.isTTY === true
  const write = (text: string) => {
    if (!closed) stdout.write(text)
  }
  const paint = (on: boolean) => (format: Style, text: string) =>
    on ? styleText(format, text, { validateStream: false }) : text
  return {
    json,
    interactive: !json && stdin.isTTY === true && stderr.isTTY === true && !env.CI,
    isTerminal,
    showsProgress: !json && stderr.isTTY === true && env.TERM !== 'dumb' && !env.CI,
    columns: () => (isTerminal ? stdout.columns || 80 : Number.POSITIVE_INFINITY),
    rows: () => (isTerminal ? stdout.rows || 24 : Number.POSITIVE_INFINITY),
    write,
    line: (text = '') => {
      if (!json) write(`${text}\n`)
    },
    data: (value) => write(`${toJson(value, isTerminal ? 2 : undefined)}\n`),
    note: (text) => {
      if (!json) stderr.write(`${text}\n`)
    },
    complain: (text) => {
      stderr.write(`${text}\n`)
    },
    style: paint(colour),
    noteStyle: paint(noteColour),
  }
}

/** Texts of messages come from anywhere; what they hold for a terminal to obey is taken out. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about.
export const plain = (text: string): string => text.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, '�')
