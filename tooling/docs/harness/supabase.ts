import { randomBytes } from 'node:crypto'
import { startRealtime } from '@aimq/embedded'
import pg from 'pg'
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string
  }
}

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
  const name = `aimq_docs_${randomBytes(6).toString('hex')}`
  const server = new URL(inject('databaseUrl'))
  await once(server.href, `create database ${name}`)
  const own = new URL(server)
  own.pathname = `/${name}`
  const realtime = await startRealtime({ connectionString: own.href })
  return {
    databaseUrl: own.href,
    url: realtime.url,
    secretKey: realtime.serviceRoleKey,
    anonKey: realtime.anonKey,
    sign: async (claims) => realtime.sign(claims as Record<string, unknown>, { expiresInSeconds: 60 }),
    async [Symbol.asyncDispose]() {
      await realtime.stop()
      await once(server.href, `drop database ${name} with (force)`)
    },
  }
}

async function once(connectionString: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}
