import type { Environment } from './context.ts'

/** In the order in which they are looked for. The long names are those that Supabase's own tools write. */
export const keyVariables = [
  'SUPABASE_KEY',
  'SUPABASE_SECRET_KEY',
  'SUPABASE_SERVICE_ROLE_KEY',
  'SUPABASE_PUBLISHABLE_KEY',
  'SUPABASE_ANON_KEY',
] as const

export const supabaseKey = (env: Environment): string | undefined =>
  keyVariables.map((name) => env[name]).find(Boolean)
