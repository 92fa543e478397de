import { startRealtime } from '@aimq/embedded'
import { createDatabase } from '../../integration/harness/database.ts'

/** A database with pgmq and Supabase's schema `realtime`, and the server behind it. */
export interface LocalSupabase extends AsyncDisposable {
  readonly databaseUrl: string
  readonly url: string
  readonly secretKey: string
  readonly anonKey: string
  /** A token with these claims, as the project would sign it. */
  sign(claims: object): Promise<string>
}

export async function startSupabase(): Promise<LocalSupabase> {
  const database = await createDatabase()
  const realtime = await startRealtime({ connectionString: database.url })
  return {
    databaseUrl: database.url,
    url: realtime.url,
    secretKey: realtime.serviceRoleKey,
    anonKey: realtime.anonKey,
    sign: async (claims) => realtime.sign(claims as Record<string, unknown>, { expiresInSeconds: 60 }),
    async [Symbol.asyncDispose]() {
      await realtime.stop()
      await database[Symbol.asyncDispose]()
    },
  }
}
