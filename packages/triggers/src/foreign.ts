import type { TriggerChange, TriggerFinding } from '@aimq/events'
import type { Catalogue, FoundTrigger } from './catalogue.ts'
import { isPython, pythonFindings } from './foreign-python.ts'
import { isOn, isOurs, triggerNameOf } from './queue-trigger.ts'
import { identifier } from './sql.ts'

/** A trigger of somebody else that tells of messages, or has the name that ours needs. */
export interface ForeignTrigger {
  readonly trigger: FoundTrigger
  /** Ours cannot stand beside it. */
  readonly inOurPlace: boolean
  readonly findings: readonly TriggerFinding[]
  readonly removal: TriggerChange
}

export function foreignOn(found: Catalogue, queue: string, channel: string): ForeignTrigger[] {
  return found.triggers
    .filter((trigger) => isOn(trigger, queue) && !isOurs(trigger))
    .flatMap((trigger) => {
      const findings = findingsOf(trigger, queue, channel)
      if (findings.length === 0) return []
      return [
        {
          trigger,
          inOurPlace: trigger.name === triggerNameOf(queue),
          findings,
          removal: removalOf(trigger, queue),
        },
      ]
    })
}

function findingsOf(trigger: FoundTrigger, queue: string, channel: string): TriggerFinding[] {
  if (isPython(trigger)) return pythonFindings(trigger, queue, channel)
  if (isPgmq(trigger)) return [pgmqFinding(trigger, queue)]
  if (trigger.name !== triggerNameOf(queue)) return []
  const { schema, name } = trigger.function
  return [
    {
      problem: 'foreign-trigger',
      message: `expected trigger ${trigger.name} on pgmq.q_${queue} to be ours, found one that executes ${schema}.${name}; rename or drop it, or install with replaceForeign: true`,
    },
  ]
}

function isPgmq({ function: { schema, name } }: FoundTrigger): boolean {
  return schema === 'pgmq' && name === 'notify_queue_listeners'
}

function pgmqFinding(trigger: FoundTrigger, queue: string): TriggerFinding {
  return {
    problem: 'foreign-trigger',
    message: `trigger ${trigger.name} on pgmq.q_${queue} is that of pgmq.enable_notify_insert: producers wait for one another's open transactions and can deadlock, those with no more than INSERT fail, the last of two close messages is not told, and after a crash of the database none is; AIMQ does not need it: select pgmq.disable_notify_insert('${queue}'), or install with replaceForeign: true`,
  }
}

function removalOf(trigger: FoundTrigger, queue: string): TriggerChange {
  const object = `trigger ${trigger.name} on pgmq.q_${queue}`
  return {
    action: 'remove',
    object,
    reason: 'it is not ours, and replaceForeign was asked for',
    sql: isPgmq(trigger)
      ? `do $block$ begin perform pgmq.disable_notify_insert('${queue}'); end $block$;`
      : `drop trigger ${identifier(trigger.name)} on pgmq.q_${queue};`,
  }
}
