import type { Bus, TriggerPath, TriggerState } from '@aimq/events'

/** The triggers of queues by queue; undefined where the step that knows is not installed. */
export async function queueTriggers(
  bus: Bus,
  signal: AbortSignal,
  queues?: readonly string[],
): Promise<ReadonlyMap<string, TriggerState> | undefined> {
  if (!bus.canRequest('triggers:list')) return undefined
  const { triggers } = await bus.request('triggers:list', queues === undefined ? {} : { queues }, { signal })
  return new Map(triggers.filter(({ kind }) => kind === 'queue').map((state) => [state.name, state]))
}

/** How a queue's workers are woken: `notify, realtime`; `polling` without a trigger; `broken` when it does not do its work. */
export function wakeUpWord(state: TriggerState | undefined): string {
  if (state === undefined || !state.installed) return 'polling'
  const problems = new Set(state.findings.map(({ problem }) => problem))
  if (problems.size > 0) return `broken: ${[...problems].join(', ')}`
  return pathsWord(state.settings?.paths ?? ['notify'])
}

export const pathsWord = (paths: readonly TriggerPath[]): string => paths.join(', ')
