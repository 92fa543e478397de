/*
 * What the trigger costs those who send: single messages over 8 connections, and batches of 1,000 over one, into a queue
 * without a trigger, one with the default trigger while its listener is awake, and one that notifies always. The three
 * take turns on the same server, in slices so short that what drifts, drifts for all; the ratio is of all that was sent.
 *
 *   npx -y pnpm@12 exec node --conditions=@aimq/source tooling/bench/trigger-cost.ts [rounds] [milliseconds]
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '@aimq/embedded'
import { createTriggersClient } from '@aimq/triggers'
import pg from 'pg'

const rounds = Number(process.argv[2] ?? 100)
const sliceMs = Number(process.argv[3] ?? 200)
const connections = 8
const batchSize = 1000

type Subject = 'plain' | 'gated' | 'always'
const subjects: readonly Subject[] = ['plain', 'gated', 'always']

const dataDir = await mkdtemp(join(tmpdir(), 'aimq-bench-'))
const server = await startEmbedded({ dataDir, temporary: true })
const clients = Array.from({ length: connections }, () => new pg.Client(server.connectionString))
await Promise.all(clients.map((client) => client.connect()))
const [first] = clients as [pg.Client]
for (const subject of subjects) await first.query('select pgmq.create($1)', [subject])
const triggers = createTriggersClient({ connectionString: server.connectionString })
await triggers.install({ queues: ['gated'] })
await triggers.install({ queues: ['always'], always: true })
await first.query('select aimq.register_listener($1, $2)', [randomUUID(), subjects])
const batch = Array.from({ length: batchSize }, () => '{"to":"ada@example.com"}')

/** Messages in a second. */
async function single(subject: Subject): Promise<number> {
  return await rate(clients, async (client) => {
    await client.query({
      name: 'send',
      text: 'select pgmq.send($1::text, $2::jsonb)',
      values: [subject, '{"to":"ada@example.com"}'],
    })
    return 1
  })
}

async function batches(subject: Subject): Promise<number> {
  return await rate([first], async (client) => {
    await client.query({
      name: 'batch',
      text: 'select pgmq.send_batch($1::text, $2::jsonb[])',
      values: [subject, batch],
    })
    return batchSize
  })
}

async function rate(
  senders: readonly pg.Client[],
  send: (client: pg.Client) => Promise<number>,
): Promise<number> {
  let messages = 0
  const started = performance.now()
  await Promise.all(
    senders.map(async (client) => {
      while (performance.now() - started < sliceMs) messages += await send(client)
    }),
  )
  return messages / ((performance.now() - started) / 1000)
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

async function compare(what: string, measure: (subject: Subject) => Promise<number>): Promise<void> {
  const rates: Record<Subject, number[]> = { plain: [], gated: [], always: [] }
  for (let round = -1; round < rounds; round++) {
    // Whoever goes first finds another machine than whoever goes last.
    for (const subject of subjects.toSorted(() => Math.random() - 0.5)) {
      await first.query(`truncate pgmq.q_${subject}`)
      const measured = await measure(subject)
      // The first round warms up.
      if (round >= 0) rates[subject].push(measured)
    }
  }
  for (const subject of subjects) {
    const ratio = sum(rates[subject]) / sum(rates.plain)
    console.log(
      `${what.padEnd(26)} ${subject.padEnd(7)} median ${median(rates[subject]).toFixed(0).padStart(8)}/s  ${ratio.toFixed(2)} of plain`,
    )
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

await compare(`single, ${connections} connections`, single)
await compare(`batches of ${batchSize}`, batches)
await Promise.all(clients.map((client) => client.end()))
await server.stop()
await rm(dataDir, { recursive: true, force: true })
