import { setTimeout as sleep } from 'node:timers/promises'
import type { Bus, RealtimeStatus, WakePath } from '@aimq/events'
import type { Config } from './config.ts'
import type { Database } from './database.ts'
import { ms } from './report.ts'

/** How long one waits for the first canaries before saying how it stands. */
const firstCanariesMs = 3000

/** Options of the step that wakes the worker, with every path there is; undefined: none is wanted or none is there. */
export function wakeUpOptions(
  { wakeUps }: Pick<Config, 'wakeUps'>,
  { connectionString, realtime: local }: Pick<Database, 'connectionString' | 'realtime'>,
): { readonly listen?: string; readonly supabase?: object } | undefined {
  const access = wakeUps.realtime ? (wakeUps.supabase ?? local) : undefined
  const token = wakeUps.supabase?.token
  const options = {
    ...(wakeUps.listen ? { listen: wakeUps.directUrl ?? connectionString } : {}),
    ...(access === undefined
      ? {}
      : {
          supabase: {
            url: access.url,
            key: access.key,
            private: !wakeUps.realtimePublic,
            connectionString,
            ...(token === undefined ? {} : { accessToken: async () => token }),
          },
        }),
  }
  return options.listen === undefined && options.supabase === undefined ? undefined : options
}

const pathNames: Record<WakePath, string> = { listen: 'LISTEN', supabase: 'Supabase Realtime' }

/** Which path wakes the worker, and how long its canary took; or why none does. */
export function describeWakeUps(status: RealtimeStatus | undefined, pollIntervalMs: number): string {
  const polling = `looking every ${ms(pollIntervalMs)}`
  if (status === undefined) return `none; ${polling}`
  const paths = status.paths.map(({ path, health, cause, canaryMs }) => {
    if (health === 'healthy') return `${pathNames[path]}, proven in ${ms(canaryMs ?? 0)}`
    return `${pathNames[path]} not yet${cause === undefined ? '' : ` (${cause})`}`
  })
  return status.health === 'healthy' ? paths.join('; ') : `${paths.join('; ')}; ${polling} meanwhile`
}

/** As soon as every path has proven itself or failed, at the latest after three seconds. */
export async function firstWakeUpStatus(bus: Bus, signal: AbortSignal): Promise<RealtimeStatus | undefined> {
  const until = performance.now() + firstCanariesMs
  for (;;) {
    if (!bus.canRequest('realtime:status')) return undefined
    const status = await bus.request('realtime:status', {})
    const open = status.paths.some(({ health }) => health === 'connecting')
    if (!open || performance.now() > until || signal.aborted) return status
    await sleep(20, undefined, { signal }).catch(() => {})
  }
}
