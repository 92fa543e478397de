import type { Context } from './context.ts'
import type { ExitCode } from './exit-code.ts'

/** An option as commander writes it, what it means, and how its text becomes a value. */
export interface OptionSpec {
  readonly flags: string
  readonly help: string
  readonly parse?: (text: string, previous?: never) => unknown
  readonly choices?: readonly string[]
}

/**
 * One command, described without anything of what it does: help, completion and the parser read this, and the work is
 * loaded when it is asked for.
 */
export interface CommandSpec {
  /** With its parent: `dlq list`. */
  readonly name: string
  /** As commander writes them: `<queue> [payload]`. */
  readonly operands?: string
  /** What the one operand may be. */
  readonly choices?: readonly string[]
  readonly summary: string
  /** More of it, for its own help. */
  readonly details?: string
  readonly options?: readonly OptionSpec[]
  /** Without `aimq`, and what they do. At least one. */
  readonly examples: readonly (readonly [line: string, meaning: string])[]
  /** Takes the options that say which database. */
  readonly database?: boolean
  /** Prints data, so that it has `--json`. */
  readonly json?: boolean
  readonly load: () => Promise<CommandModule>
}

/** A command that reads its own arguments, all of them, and sees to signals and the end of the process itself. */
export interface ProgramSpec extends Omit<CommandSpec, 'load' | 'options' | 'database' | 'json'> {
  readonly takesOver: true
  readonly load: () => Promise<{ readonly run: (argv: readonly string[], program: string) => Promise<never> }>
}

export type AnyCommand = CommandSpec | ProgramSpec

export interface CommandModule {
  readonly run: (
    context: Context,
    options: never,
    ...operands: never[]
  ) => Promise<ExitCode | undefined> | Promise<void>
}

/** `text` as a whole number within bounds, or commander's complaint. */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text)
    throw new ValueError(`expected a whole number from ${least} to ${most}`)
  }
}

/** For options that may be given several times. */
export const each = (text: string, previous?: string[]): string[] => [...(previous ?? []), text]

/** What `parse` throws: why a value will not do. */
export class ValueError extends Error {}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90`, `90s`, `5m`, `2h`, `1d`, `250ms` as milliseconds; seconds when there is no unit. */
export function durationMs(text: string): number {
  const [, amount = '', unit = 's'] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)?$/.exec(text) ?? []
  const factor = unitMs[unit]
  if (amount === '' || factor === undefined) {
    throw new ValueError('expected a time such as 30s, 5m, 2h or 1d')
  }
  return Math.round(Number(amount) * factor)
}

/** A moment, as epoch milliseconds: `2030-01-31T09:00Z`, or without a zone in the local one. */
export function moment(text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN
  if (Number.isNaN(at)) throw new ValueError('expected a time such as 2030-01-31T09:00:00Z')
  return at
}
