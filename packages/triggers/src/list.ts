import type { TriggerFinding, TriggerState } from '@aimq/events'
import type { Catalogue } from './catalogue.ts'
import { foreignOn } from './foreign.ts'
import { exposedFindings, isPython } from './foreign-python.ts'
import type { QueueTriggerSettings } from './options.ts'
import { wantedFor } from './plan.ts'
import { ourTriggerOn, queueTrigger, settingsOf, versionOfTrigger } from './queue-trigger.ts'
import { allQueues, requirePgmq, unfitness } from './queues.ts'
import type { Wanted } from './wanted.ts'

/** @param usual what triggers are expected to do */
export function listTriggers(
  found: Catalogue,
  queues: readonly string[] | undefined,
  usual: QueueTriggerSettings,
): TriggerState[] {
  requirePgmq(found)
  return (queues ?? allQueues(found)).map((queue) => stateOf(found, queue, usual))
}

function stateOf(found: Catalogue, queue: string, usual: QueueTriggerSettings): TriggerState {
  const table = `pgmq.q_${queue.toLowerCase()}`
  const unfit = unfitness(found, queue)
  if (unfit !== undefined) return { name: queue, kind: 'queue', table, installed: false, findings: [unfit] }
  const others = foreignOn(found, queue, usual.channel)
  const python = others.some(({ trigger: other }) => isPython(other))
  const foreign = [...others.flatMap(({ findings }) => findings), ...exposedFindings(found, python)]
  const trigger = ourTriggerOn(found, queue)
  if (trigger === undefined) {
    const findings = [...judge([queueTrigger(queue, usual)], found), ...foreign]
    return { name: queue, kind: 'queue', table, installed: false, findings }
  }
  const settings = settingsOf(trigger.arguments)
  // What it does may be wished, but for where it tells it: workers listen on one channel.
  const wish = { ...(settings ?? usual), channel: usual.channel }
  return {
    name: queue,
    kind: 'queue',
    table,
    installed: true,
    version: versionOfTrigger(trigger),
    ...(settings === undefined ? {} : { settings }),
    findings: [...judge(wantedFor([{ queue, settings: wish }]), found), ...foreign],
  }
}

/** What is wrong with any of these, as findings that say what to do. */
export function judge(wanted: readonly Wanted[], found: Catalogue): TriggerFinding[] {
  return wanted.flatMap((object) => {
    const judgement = object.judge(found)
    if (judgement === undefined) return []
    const { problem, reason, action } = judgement
    const remedy =
      action === undefined
        ? ''
        : problem === 'missing' || problem === 'wrong-channel'
          ? '; install it'
          : '; repair mends it'
    return [{ problem, message: `${reason}${remedy}` }]
  })
}
