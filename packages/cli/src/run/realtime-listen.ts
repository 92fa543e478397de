import { CliError } from '../cli-error.ts'
import type { Context } from '../context.ts'
import { exitCode } from '../exit-code.ts'
import { firstHealth } from '../first-health.ts'
import { duration, localTime } from '../show.ts'
import { untilAborted } from '../until-aborted.ts'
import { withRealtime } from '../with-realtime.ts'
import { pathNames } from './realtime-status.ts'

/** Until a path has proven itself, nobody can tell silence from deafness. */
const provenWithinMs = 15_000

export async function run(context: Context, { count }: { readonly count?: number }): Promise<void> {
  const { output, signal } = context
  await withRealtime(context, async ({ bus }) => {
    const { health, cause, paths } = await firstHealth(bus, provenWithinMs, signal)
    if (health !== 'healthy')
      throw new CliError(`no wake-up can arrive here: ${cause ?? health}`, exitCode.unavailable)
    const healthy = paths.filter((path) => path.health === 'healthy').map(({ path }) => pathNames[path])
    output.note(`Listening on ${healthy.join(' and ')}. Ctrl-C stops.`)
    const done = new AbortController()
    let seen = 0
    bus.on('job:enqueued', (hint) => {
      if (count !== undefined && seen >= count) return
      seen += 1
      if (output.json) output.data({ at: Date.now(), ...hint })
      else {
        const many = hint.count === undefined ? '' : ` ×${hint.count}`
        const due = hint.dueAt === undefined ? '' : `, due in ${duration(hint.dueAt - Date.now())}`
        const name = output.style('bold', hint.queue)
        output.line(
          `${output.style('dim', localTime(Date.now()))}  ${name}${many}${due}  ${output.style('dim', hint.source)}`,
        )
      }
      if (count !== undefined && seen >= count) done.abort()
    })
    await untilAborted(AbortSignal.any([signal, done.signal]))
  })
}
