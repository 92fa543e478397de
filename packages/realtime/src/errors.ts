import { AimqError } from '@aimq/events'

export const realtimeErrorCodes = {
  invalidOptions: 'realtime/invalid-options',
  /** `realtime:broadcast` found no path that could carry it. */
  noPath: 'realtime/no-path',
} as const

export type RealtimeErrorCode = (typeof realtimeErrorCodes)[keyof typeof realtimeErrorCodes]

export class RealtimeError extends AimqError<RealtimeErrorCode> {}

export interface PathErrorOptions {
  /** Trying again soon is of no use, because a person has to change something first. */
  readonly patient?: boolean
  /** The connection is fine, only it may not send: hints may come, and cannot be proven to. */
  readonly unproven?: boolean
  readonly cause?: unknown
}

/** Why a path could not be opened, was lost, or cannot be proven. */
export class PathError extends Error {
  readonly patient: boolean
  readonly unproven: boolean

  constructor(message: string, options: PathErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'PathError'
    this.patient = options.patient ?? false
    this.unproven = options.unproven ?? false
  }
}
