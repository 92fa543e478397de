import type { Bus, Settlement } from '@aimq/events'
import type { HandlerRecord } from './load-handlers.ts'
import { StartError } from './start-failure.ts'

/**
 * A role that may not even look gets all that a worker needs in one go: what is there already does no harm.
 *
 * @throws `app/rights-missing`
 */
export async function withAllGrants<Value>(
  handlers: HandlerRecord,
  sends: boolean,
  work: () => Promise<Value>,
): Promise<Value> {
  try {
    return await work()
  } catch (thrown) {
    if ((thrown as { code?: string } | null)?.code !== 'queue/permission-denied') throw thrown
    const create = wantedQueues(handlers).map((queue) => `select pgmq.create('${queue}');`)
    const grants = Object.values(handlers).flatMap(({ queue: { name, deadLetterQueue } }) => [
      // What is sent needs one more.
      `grant select, ${sends ? 'insert, ' : ''}update, delete on pgmq.q_${name} to <role>;`,
      `grant select, insert on pgmq.a_${name} to <role>;`,
      `grant insert, select (msg_id) on pgmq.q_${deadLetterQueue} to <role>;`,
    ])
    throw rightsMissing([
      ...create,
      'grant usage on schema pgmq to <role>;',
      'grant select on pgmq.meta to <role>;',
      ...grants,
    ])
  }
}

function rightsMissing(statements: readonly string[]): StartError {
  const lines = statements.map((statement) => `\n  ${statement}`).join('')
  return new StartError(
    'app/rights-missing',
    `this role may not do all that a worker does; run, as the owner of the queues:${lines}`,
  )
}

/** Every queue that is worked, and where its dead letters go. */
function wantedQueues(handlers: HandlerRecord): string[] {
  return [...new Set(Object.values(handlers).flatMap(({ queue }) => [queue.name, queue.deadLetterQueue]))]
}

/** Creates what is missing. Answers with the names of what was. */
export async function createQueues(bus: Bus, handlers: HandlerRecord): Promise<string[]> {
  const missing = await missingQueues(bus, handlers)
  for (const queue of missing) await bus.request('queue:create', { queue })
  return missing
}

/** @throws `app/queues-missing` with the SQL that creates them */
export async function requireQueues(bus: Bus, handlers: HandlerRecord): Promise<string[]> {
  const missing = await missingQueues(bus, handlers)
  if (missing.length === 0) return []
  const sql = missing.map((queue) => `\n  select pgmq.create('${queue}');`).join('')
  throw new StartError(
    'app/queues-missing',
    `these queues do not exist, and --no-create-queues says not to create them; run:${sql}`,
  )
}

/** Listed first: creating a queue that is there needs rights that a worker does without. */
async function missingQueues(bus: Bus, handlers: HandlerRecord): Promise<string[]> {
  const { queues } = await bus.request('queue:list', {})
  const there = new Set(queues.map(({ queue }) => queue))
  return wantedQueues(handlers).filter((queue) => !there.has(queue))
}

/** Higher than ids get: no message has one of these. */
const noMessage = (n: number) => ({ id: String(10n ** 18n - 1n - BigInt(n)), readCount: 1, enqueuedAt: 0 })

/**
 * Does to messages that are not there all that will be done to others, so that missing rights are told now, all of
 * them and with their GRANTs, and not by the first job.
 *
 * @throws `app/rights-missing`
 */
export async function checkRights(bus: Bus, handlers: HandlerRecord): Promise<void> {
  const grants = new Set<string>()
  const attempt = async (call: Promise<unknown>) => {
    const thrown = await call.then(
      () => undefined,
      (error: { code?: string; message: string }) => error,
    )
    if (thrown === undefined) return
    const needed = thrown.message.split('\n').filter((line) => line.startsWith('grant '))
    if (thrown.code !== 'queue/permission-denied' || needed.length === 0) throw thrown
    for (const grant of needed) grants.add(grant)
  }
  for (const { queue, policy } of Object.values(handlers)) {
    const { name, deadLetterQueue } = queue
    const done = policy.onComplete ?? 'archive'
    const settle = (...settlements: Settlement[]) =>
      attempt(bus.request('queue:settle', { queue: name, settlements }))
    await attempt(bus.request('queue:metrics', { queue: name }))
    await settle({ ...noMessage(0), action: 'release', delayMs: 0 }, { ...noMessage(1), action: done })
    await settle({ ...noMessage(2), action: 'dead-letter', deadLetterQueue, reason: 'a check of rights' })
  }
  if (grants.size > 0) throw rightsMissing([...grants])
}
