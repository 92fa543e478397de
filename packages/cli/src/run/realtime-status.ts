import type { RealtimeStatus, WakeHealth, WakePath } from '@aimq/events'
import type { Context } from '../context.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import { firstHealth } from '../first-health.ts'
import { duration } from '../show.ts'
import { withRealtime } from '../with-realtime.ts'

export const pathNames: Record<WakePath, string> = { listen: 'LISTEN/NOTIFY', supabase: 'Supabase Realtime' }

export const healthMarks: Record<
  WakeHealth,
  { readonly mark: string; readonly style: 'green' | 'yellow' | 'red' }
> = {
  healthy: { mark: '✓', style: 'green' },
  connecting: { mark: '…', style: 'yellow' },
  degraded: { mark: '✗', style: 'red' },
}

export async function run(
  context: Context,
  { timeout = 10_000 }: { readonly timeout?: number },
): Promise<ExitCode> {
  const { output, signal } = context
  return withRealtime(context, async ({ bus }) => {
    const status = await firstHealth(bus, timeout, signal)
    if (output.json) output.data(status)
    else for (const path of status.paths) output.line(pathLine(context, path))
    return status.health === 'healthy' ? exitCode.ok : exitCode.findings
  })
}

function pathLine(
  { output }: Context,
  { path, health, cause, canaryMs }: RealtimeStatus['paths'][number],
): string {
  const { mark, style } = healthMarks[health]
  const said =
    health === 'healthy'
      ? `healthy: a canary came back in ${duration(canaryMs ?? 0)}`
      : `${health}${cause === undefined ? '' : `: ${cause}`}`
  return `${output.style(style, mark)} ${pathNames[path].padEnd(18)} ${said}`
}
