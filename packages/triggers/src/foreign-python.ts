import type { TriggerFinding } from '@aimq/events'
import type { Catalogue, ExposedFunction, FoundTrigger } from './catalogue.ts'

/*
 * What the Python project AIMQ leaves in a database: a trigger on each queue, and functions in schema `pgmq_public` that
 * its migration lets everybody call.
 */

/** Run with the rights of their owner. */
const managing = ['create_queue', 'enable_queue_realtime', 'disable_queue_realtime', 'list_queues']
/** Run with the rights of the caller. Supabase has functions of these names, too. */
const wrapping = ['pop', 'read', 'send', 'send_batch', 'archive', 'delete']

/** A function of this name, in schema `aimq` or wherever it was moved. */
export const pythonFunction = 'pgmq_notify_job_enqueued'

export function isPython({ function: { name } }: FoundTrigger): boolean {
  return name === pythonFunction
}

export function pythonFindings(trigger: FoundTrigger, queue: string, channel: string): TriggerFinding[] {
  const [topic = ''] = trigger.arguments
  const what = `trigger ${trigger.name} on pgmq.q_${queue}`
  const faults = faultsOf(trigger)
  const found: TriggerFinding[] = [
    {
      problem: 'foreign-trigger',
      message: `${[`${what} is the Python project's`, ...faults].join('; ')}; install with replaceForeign: true, and its workers are told by ours`,
    },
  ]
  if (topic !== channel) {
    found.push({
      problem: 'wrong-channel',
      message: `${what} tells "${topic}", and workers listen on "${channel}"; install with replaceForeign: true`,
    })
  }
  return found
}

/** What is wrong with it, as far as the catalogue shows it. */
function faultsOf({ definition, function: { body, settings } }: FoundTrigger): string[] {
  const faults: string[] = []
  if (/ FOR EACH ROW /.test(definition)) {
    faults.push(
      "it broadcasts every message by itself, also one that is due later (a batch of 1,000 is 1,000 broadcasts, beyond Realtime's limits)",
    )
  }
  if (/realtime\.send\s*\([^;]*\bfalse\s*\)/i.test(body ?? '')) {
    faults.push('on a public topic, where anybody with the anon key can listen and send')
  }
  const path = settings?.find((setting) => setting.startsWith('search_path='))?.slice('search_path='.length)
  if (path === undefined) {
    faults.push('its function has no fixed search_path, and runs whatever a caller puts first in his')
  } else if (/^"[^"]*,[^"]*"$/.test(path)) {
    faults.push(`the search_path of its function is ${path}, which is one schema of that name`)
  }
  return faults
}

/** What others than their owners may call, with what it takes to end that. */
export function exposedFindings({ exposed }: Catalogue, python: boolean): TriggerFinding[] {
  const named = (names: readonly string[]) => exposed.filter(({ name }) => names.includes(name))
  const managers = named(managing).filter(({ definer }) => definer)
  const wrappers = python ? named(wrapping) : []
  return [
    ...finding(
      managers,
      "run with their owner's rights: whoever calls them makes queues, and drops and makes the triggers that wake workers",
    ),
    ...finding(wrappers, 'keep a queue no safer than the grants on its table and its row-level security do'),
  ]
}

function finding(functions: readonly ExposedFunction[], danger: string): TriggerFinding[] {
  if (functions.length === 0) return []
  const list = functions.map(({ signature, callers }) => `${signature} by ${callers.join(', ')}`)
  const signatures = functions.map(({ signature }) => signature).join(', ')
  const callers = [...new Set(functions.flatMap((one) => one.callers))].sort()
  return [
    {
      problem: 'foreign-trigger',
      message: `functions of the Python project may be called by others: ${list.join('; ')}. They ${danger}; run: revoke all on function ${signatures} from ${callers.join(', ').replace('PUBLIC', 'public')}`,
    },
  ]
}
