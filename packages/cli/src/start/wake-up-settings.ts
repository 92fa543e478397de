import { redact } from '@aimq/events'
import { keyVariables, supabaseKey } from '../supabase-access.ts'
import type { SettingValues } from './settings.ts'

/** How this worker may be woken; what is not here it does without. */
export interface WakeUps {
  /** A path was named on purpose, by a flag or its variable: going on without is not what was meant. */
  readonly asked: boolean
  readonly listen: boolean
  /** A session that LISTEN can use, where `DATABASE_URL` goes through a pooler. */
  readonly directUrl: string | undefined
  readonly realtime: boolean
  /** Undefined: there is only the local Realtime of the embedded database. */
  readonly supabase: SupabaseAccess | undefined
  readonly realtimePublic: boolean
}

export interface SupabaseAccess {
  readonly url: string
  readonly key: string
  /** For the private channel, where the key is one that everybody may know. */
  readonly token: string | undefined
}

interface Reading {
  readonly settings: WakeUps
  readonly faults: readonly string[]
  readonly warnings: readonly string[]
}

export function readWakeUps(
  given: SettingValues,
  environment: Readonly<Record<string, string | undefined>>,
  databaseUrl: string | undefined,
): Reading {
  const faults: string[] = []
  const warnings: string[] = []
  // Another database's session would hear nothing of the embedded one.
  const directUrl = (databaseUrl !== undefined && environment.DIRECT_URL) || undefined
  if (directUrl !== undefined && !(/^postgres(ql)?:\/\//.test(directUrl) && URL.canParse(directUrl))) {
    faults.push(
      'DIRECT_URL: expected a connection string such as postgres://user:password@host:5432/database (not shown)',
    )
  }
  const url = environment.SUPABASE_URL || undefined
  const key = supabaseKey(environment)
  if (url !== undefined && !(URL.canParse(url) && /^(https?|wss?):/.test(url))) {
    faults.push(
      `SUPABASE_URL: expected a URL such as https://<ref>.supabase.co, got ${JSON.stringify(redact(url))}`,
    )
  }
  let supabase: SupabaseAccess | undefined
  if (url !== undefined && key !== undefined && databaseUrl !== undefined) {
    supabase = { url, key, token: environment.SUPABASE_REALTIME_TOKEN || undefined }
  } else if (given.realtime !== false && databaseUrl === undefined && url !== undefined) {
    warnings.push(
      'SUPABASE_URL is set and DATABASE_URL is not: jobs are in the embedded database, and its own Realtime wakes the worker',
    )
  } else if (given.realtime === true && databaseUrl !== undefined) {
    const missing = url === undefined ? 'SUPABASE_URL' : `one of ${keyVariables.join(', ')}`
    faults.push(`--realtime: expected ${missing} to be set, got nothing`)
  } else if (given.realtime !== false && url !== undefined) {
    warnings.push(
      `SUPABASE_URL is set and no key is (${keyVariables.join(', ')}): Supabase Realtime does not wake the worker`,
    )
  }
  return {
    settings: {
      asked: given.listen === true || given.realtime === true,
      listen: given.listen ?? true,
      directUrl,
      realtime: given.realtime ?? true,
      supabase,
      realtimePublic: given.realtimePublic ?? false,
    },
    faults,
    warnings,
  }
}
