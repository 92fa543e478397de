import { didYouMean, queueNamePattern } from '@aimq/events'
import type { Catalogue, FoundTable } from './catalogue.ts'
import { TriggersError, triggersErrorCodes } from './errors.ts'

/** What keeps a queue from having a trigger of ours. */
export interface Unfit {
  readonly problem: 'queue-missing' | 'unsupported'
  readonly message: string
}

/** @param queue as it was typed when the queue was made, or asked for */
export function unfitness(found: Catalogue, queue: string): Unfit | undefined {
  if (!queueNamePattern.test(queue)) {
    return {
      problem: 'unsupported',
      message: `the name ${JSON.stringify(queue)} is none that AIMQ works with: pgmq lower-cases names in some places and not in others, so two queues can share one table; move its messages to a queue of lower-case letters, digits and _`,
    }
  }
  const table = tableOf(found, queue)
  if (table === undefined) {
    const hint = didYouMean(queue, found.queues.filter((name) => queueNamePattern.test(name)).slice(0, 50))
    return {
      problem: 'queue-missing',
      message: `expected a queue "${queue}", and there is no table pgmq.q_${queue}${hint}; create it: select pgmq.create('${queue}')`,
    }
  }
  if (table.persistence === 'u') {
    return {
      problem: 'unsupported',
      message: `queue "${queue}" is unlogged: a crash of the database empties it and lets ids start again, so jobs would be lost; recreate it with pgmq.create`,
    }
  }
  return undefined
}

function tableOf(found: Catalogue, queue: string): FoundTable | undefined {
  return found.tables.find((table) => table.schema === 'pgmq' && table.name === `q_${queue}`)
}

/** All queues of the database, by the names they were made with. */
export function allQueues(found: Catalogue): readonly string[] {
  return found.queues
}

/** Those to work on: the named ones, which must be fit; without names, all that are. */
export function chosenQueues(found: Catalogue, queues: readonly string[] | undefined): readonly string[] {
  requirePgmq(found)
  if (queues === undefined) return allQueues(found).filter((queue) => unfitness(found, queue) === undefined)
  const faults = queues.flatMap((queue) => unfitness(found, queue) ?? [])
  const [first] = faults
  if (first === undefined) return [...new Set(queues)]
  const codes = triggersErrorCodes
  throw new TriggersError(
    first.problem === 'queue-missing' ? codes.queueMissing : codes.unsupportedQueue,
    faults.map(({ message }) => message).join('\n'),
  )
}

export function requirePgmq(found: Catalogue): void {
  if (found.pgmq) return
  throw new TriggersError(
    triggersErrorCodes.pgmqMissing,
    'expected pgmq, and it is not there; run: create extension pgmq (Supabase: dashboard, Integrations, Queues), or check that this is the right database',
  )
}
