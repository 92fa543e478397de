import type { RealtimeStatus, TriggerState } from '@aimq/events'
import { isWorked } from '../is-worked.ts'
import { duration } from '../show.ts'
import { cannotHaveTrigger } from '../unfit.ts'
import { type Finding, fault, note, ok, warning } from './finding.ts'

const pathNames = { listen: 'LISTEN/NOTIFY', supabase: 'Supabase Realtime' } as const

/** Each path by a canary there and back, the way real hints take. */
export function checkPaths({ paths }: RealtimeStatus): Finding[] {
  return paths.map(({ path, health, cause = 'no answer yet', canaryMs = 0 }) =>
    health === 'healthy'
      ? ok('wake-ups', `${pathNames[path]}: a canary came back in ${duration(canaryMs)}`)
      : warning(
          'wake-ups',
          `${pathNames[path]} does not wake workers: ${cause}`,
          'without it workers poll, once a second',
        ),
  )
}

export function checkTriggers(triggers: readonly TriggerState[], program: string): Finding[] {
  // What cannot have one is told of as a queue that AIMQ does not work.
  const worked = triggers.filter(
    (state) => state.installed || (isWorked(state.name) && !cannotHaveTrigger(state)),
  )
  const drifted = worked.filter(({ installed, findings }) => installed && findings.length > 0)
  const silent = worked
    .filter(({ kind, installed }) => kind === 'queue' && !installed)
    .map(({ name }) => name)
  const findings: Finding[] = drifted.flatMap((state) =>
    state.findings.map(({ message }) =>
      fault('triggers', `${state.name}: ${message}`, `run: ${program} triggers repair`),
    ),
  )
  if (silent.length > 0) {
    findings.push(
      note(
        'triggers',
        `nobody tells workers of new jobs in ${silent.join(', ')}: they are found by polling`,
        `run: ${program} enable-realtime ${silent.join(' ')}`,
      ),
    )
  }
  const sound = worked.length - drifted.length - silent.length
  return sound > 0
    ? [ok('triggers', `${sound} of ${worked.length} tell of new jobs, as installed`), ...findings]
    : findings
}
