import { type QueueInfo, queueNamePattern, type TriggerState } from '@aimq/events'

/** Why AIMQ does not work a queue that is there, as the end of a sentence; undefined: it does. */
export function unfitness({ queue, unlogged }: Pick<QueueInfo, 'queue' | 'unlogged'>): string | undefined {
  if (!queueNamePattern.test(queue)) return 'it has no name that AIMQ works with'
  return unlogged ? 'it is unlogged' : undefined
}

/** Its table is gone, or it is one that AIMQ does not work: no trigger can stand on it. */
export const cannotHaveTrigger = ({ findings }: TriggerState): boolean =>
  findings.some(({ problem }) => problem === 'queue-missing' || problem === 'unsupported')
