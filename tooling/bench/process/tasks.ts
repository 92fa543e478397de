import type { SubjectName } from '../subjects/index.ts'
import type { Place } from '../subjects/subject.ts'

/** What the process that measures asks of a subject's process. */
export interface Tasks {
  /** Starts a worker. */
  work: { input: WorkInput; output: undefined }
  /** What the worker did so far. */
  tally: { input: undefined; output: WorkTally }
  /** Forgets what the worker did so far: a new run begins. */
  forget: { input: { readonly total: number }; output: undefined }
  open: { input: OpenInput; output: undefined }
  fill: { input: FillInput; output: undefined }
  /** Sends one job, stamped with the time. */
  sendOne: { input: { readonly n: number; readonly delayMs?: number }; output: undefined }
  /** Sends one by one for a while, so many calls in flight. */
  sendSingly: { input: { readonly inFlight: number; readonly ms: number }; output: Sent }
  sendBatches: { input: { readonly count: number; readonly size: number }; output: Sent }
  /** Sends at a steady pace, each job stamped with the time. */
  sendSteadily: { input: SteadyInput; output: Sent }
  /** Ends whatever runs. The process ends by itself when its parent lets go. */
  stop: { input: undefined; output: undefined }
}

export interface WorkInput {
  readonly subject: SubjectName
  readonly place: Place
  /** Jobs carry `n` below this. */
  readonly total: number
  readonly concurrency?: number | undefined
  /** How long a handler waits, as if for I/O. */
  readonly holdMs?: number | undefined
}

export interface OpenInput {
  readonly subject: SubjectName
  readonly place: Place
  readonly inFlight: number
}

export interface FillInput {
  readonly count: number
  readonly delayMs?: number
  /** `n` of the first. */
  readonly from?: number
}

export interface SteadyInput {
  readonly perSecond: number
  readonly seconds: number
  /** Jobs in one call. */
  readonly batch: number
  readonly delayMs?: number
}

export interface Sent {
  readonly count: number
  readonly elapsedUs: number
}

export interface WorkTally {
  /** How often each `n` was worked, by `n`. */
  readonly seen: Uint8Array
  readonly count: number
  /** When the first handler began, in microseconds on the clock all processes share. */
  readonly firstAt: number
  /** CPU of this process since the first handler began, and ever, in microseconds. */
  readonly cpuSinceFirstUs: number
  readonly cpuUs: number
  readonly rssMb: number
  /** How long the handlers that waited did wait, all together. */
  readonly heldMs: number
  /** From just before the send to the start of the handler, in milliseconds. */
  readonly latenciesMs: Float64Array
}

/** What a worker says unasked, many times a second while it works. */
export interface Progress {
  readonly count: number
}
