import { AimqError } from '@aimq/events'

export const embeddedErrorCodes = {
  /** Options that cannot be used; the message lists every fault. */
  invalidOptions: 'embedded/invalid-options',
  /** No PostgreSQL binaries for this operating system, processor or C library. */
  unsupportedPlatform: 'embedded/unsupported-platform',
  /** The binaries are installed but not complete, and could not be completed. */
  binariesIncomplete: 'embedded/binaries-incomplete',
  /** The data folder cannot be created, written or owned by this user. */
  dataDirNotWritable: 'embedded/data-dir-not-writable',
  /** Running as root: no place that the unprivileged server user can reach. */
  dataDirNotReachable: 'embedded/data-dir-not-reachable',
  /** The data folder belongs to another major version of PostgreSQL. */
  dataDirVersion: 'embedded/data-dir-version',
  /** The port asked for is in use by somebody else. */
  portTaken: 'embedded/port-taken',
  /** The data folder is already served on another port than the one asked for. */
  portDiffers: 'embedded/port-differs',
  /** PostgreSQL did not start; the message ends with the last lines of its log. */
  startFailed: 'embedded/start-failed',
  /** PostgreSQL did not stop. */
  stopFailed: 'embedded/stop-failed',
  /** The local Realtime server did not start; the cause says why. */
  realtimeStartFailed: 'embedded/realtime-start-failed',
} as const

export type EmbeddedErrorCode = (typeof embeddedErrorCodes)[keyof typeof embeddedErrorCodes]

/** Test {@link EmbeddedError.code}, not `instanceof`. */
export class EmbeddedError extends AimqError<EmbeddedErrorCode> {}

/** The `code` of a system error (`ENOENT`), whatever was thrown. */
export function systemCode(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
