import type { ErrorSummary } from '../errors.ts'

export interface BusFacts {
  /** A plugin's service is up. */
  'bus:plugin-started': { readonly plugin: string }
  /** A plugin's service is down, by request. */
  'bus:plugin-stopped': { readonly plugin: string }
  /** A listener threw, or its promise rejected. The emitter and the other listeners did not notice. */
  'bus:listener-failed': { readonly fact: string; readonly error: ErrorSummary }
}
