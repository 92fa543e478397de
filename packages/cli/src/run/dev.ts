import type { Context } from '../context.ts'
import { shownFolder, startEmbedded } from '../database.ts'
import { untilAborted } from '../until-aborted.ts'

export interface DevOptions {
  readonly port?: number
  readonly realtime: boolean
  readonly realtimePort?: number
}

export async function run(context: Context, options: DevOptions): Promise<void> {
  const { output, signal, program, database } = context
  const embedded = await startEmbedded(context, {
    dataDir: database.dataDir,
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.realtime
      ? { realtime: options.realtimePort === undefined ? true : { port: options.realtimePort } }
      : {}),
    signal,
  })
  try {
    const { realtime } = embedded
    // Anybody may know these: user and password are the same everywhere, and the server listens on loopback only.
    const variables = {
      DATABASE_URL: embedded.connectionString,
      ...(realtime === undefined
        ? {}
        : {
            SUPABASE_URL: realtime.url,
            SUPABASE_ANON_KEY: realtime.anonKey,
            SUPABASE_SERVICE_ROLE_KEY: realtime.serviceRoleKey,
          }),
    }
    if (output.json) output.data({ ...variables, dataDir: embedded.dataDir, joined: embedded.joined })
    else {
      const joined = embedded.joined ? ' (it was running already)' : ''
      output.line(
        `${output.style('green', '✓')} PostgreSQL with pgmq${realtime ? ' and Realtime' : ''}${joined}, for development; data in ${shownFolder(context)}\n`,
      )
      for (const [name, value] of Object.entries(variables))
        output.line(`${output.style('bold', name)}=${value}`)
      output.line(`\nCommands in this folder find it by themselves. In another terminal:`)
      output.line(`  ${program} create emails`)
      output.line('\nCtrl-C stops it; the data stays.')
    }
    await untilAborted(signal)
  } finally {
    await embedded.stop()
  }
  output.line('Stopped.')
}
