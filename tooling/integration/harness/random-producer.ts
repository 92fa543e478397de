import { setTimeout as pause } from 'node:timers/promises'
import { oneOf, wholeFrom } from '../../faults/harness/randoms.ts'
import { connect, type Timing } from './gated-workers.ts'

export interface RandomProducerOptions {
  readonly url: string
  readonly queue: string
  readonly name: string
  readonly timing: Timing
  readonly random: () => number
  readonly forMs: number
}

/**
 * Transactions of every kind a program may have: several statements, savepoints rolled back and kept, given up in the
 * end, under either isolation, and now and then held open for up to a second and a half after they have sent.
 */
export async function produceAtRandom(options: RandomProducerOptions): Promise<void> {
  const { url, queue, name, timing, random, forMs } = options
  await using client = await connect(url)
  const until = performance.now() + forMs
  let n = 0
  const send = async (keys: string[]) => {
    const fresh = Array.from({ length: wholeFrom(random, 1, 3) }, () => `${name} ${n++}`)
    const payloads = fresh.map((key) => JSON.stringify({ key }))
    await client.query('select pgmq.send_batch($1, $2::jsonb[])', [queue, payloads])
    keys.push(...fresh)
  }
  while (performance.now() < until) {
    await pause(random() * 60)
    const isolation = random() < 0.2 ? 'repeatable read' : 'read committed'
    const keys: string[] = []
    await client.query(`begin isolation level ${isolation}`)
    if (random() < 0.3) await client.query('select pg_current_xact_id()')
    for (let statement = wholeFrom(random, 1, 3); statement > 0; statement--) {
      const kind = oneOf(random, ['send', 'kept', 'undone'] as const)
      const inner: string[] = []
      if (kind !== 'send') await client.query('savepoint inside')
      await send(inner)
      if (kind === 'undone') await client.query('rollback to savepoint inside')
      else keys.push(...inner)
      if (random() < 0.3) await pause(random() * 20)
    }
    const held = random() < 0.15
    if (held) await pause(random() * 1500)
    if (random() < 0.2) {
      await client.query('rollback')
      continue
    }
    await client.query('commit')
    timing.committed(keys, held ? 'held open' : 'at once')
  }
}
