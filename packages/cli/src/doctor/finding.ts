export type Level = 'ok' | 'note' | 'warning' | 'fault'

/** One thing that was looked at. What is not in order says what to do about it. */
export interface Finding {
  /** What it is about: `pgmq`, `tls`, `triggers`, … */
  readonly check: string
  readonly level: Level
  readonly message: string
  readonly remedy?: string
}

const make =
  (level: Level) =>
  (check: string, message: string, remedy?: string): Finding => ({
    check,
    level,
    message,
    ...(remedy === undefined ? {} : { remedy }),
  })

export const ok = make('ok')
/** Worth knowing; nothing is wrong. */
export const note = make('note')
/** It works, and something will go wrong, be slow, or surprise. */
export const warning = make('warning')
/** It does not work. */
export const fault = make('fault')
