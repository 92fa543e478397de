/*
 * Idle wake latency: from just before a producer in another process sends to the start of the handler, which includes
 * the producer's durable commit. A hand-written LISTEN loop, AIMQ over LISTEN and AIMQ over the local Realtime take turns
 * on the same server, so that what drifts, drifts for all.
 *
 *   npx -y pnpm@12 bench:wake [rounds]
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startEmbedded } from '@aimq/embedded'
import { createBus, silentLogger } from '@aimq/events'
import { queue } from '@aimq/queue'
import { type RealtimeOptions, realtime } from '@aimq/realtime'
import { worker } from '@aimq/worker'
import pg from 'pg'

interface Subject {
  readonly name: string
  readonly queue: string
  readonly path: 'listen' | 'supabase'
  readonly latencies: number[]
}

const rounds = Number(process.argv[2] ?? 400)
const microseconds = () => Number(process.hrtime.bigint() / 1000n)
const dataDir = await mkdtemp(join(tmpdir(), 'aimq-bench-'))
const server = await startEmbedded({ dataDir, temporary: true, realtime: true })
const url = server.connectionString
let started: (() => void) | undefined

function subject(name: string, queueName: string, path: Subject['path']): Subject {
  return { name, queue: queueName, path, latencies: [] }
}

function arrived(subject: Subject, payload: unknown): void {
  subject.latencies.push((microseconds() - (payload as { sentAt: number }).sentAt) / 1000)
  started?.()
}

/** The loop one would write by hand: LISTEN, then one statement that leases; settled by another. */
async function startRaw(subject: Subject): Promise<() => Promise<void>> {
  const [listener, reader] = [new pg.Client(url), new pg.Client(url)]
  await Promise.all([listener.connect(), reader.connect()])
  await reader.query('select pgmq.create($1)', [subject.queue])
  listener.on('notification', async ({ payload }) => {
    if (JSON.parse(payload ?? '{}').queue !== subject.queue) return
    const { rows } = await reader.query({
      name: 'read',
      text: 'select * from pgmq.read($1, 30, 10)',
      values: [subject.queue],
    })
    for (const row of rows) arrived(subject, row.message)
    for (const row of rows)
      await reader.query({
        name: 'archive',
        text: 'select pgmq.archive($1, $2::bigint)',
        values: [subject.queue, row.msg_id],
      })
  })
  await listener.query('listen "aimq:jobs"')
  return async () => {
    await Promise.all([listener.end(), reader.end()])
  }
}

async function startAimq(subject: Subject, options: RealtimeOptions): Promise<() => Promise<void>> {
  const bus = createBus({ logger: silentLogger })
  await bus.use(queue({ connectionString: url, preparedStatements: true }))
  await bus.request('queue:create', { queue: subject.queue })
  await bus.use(worker({ handlers: { [subject.queue]: ({ payload }) => arrived(subject, payload) } }))
  const proven = new Promise<void>((resolve) => {
    bus.on('realtime:health-changed', ({ health }) => health === 'healthy' && resolve())
  })
  await bus.use(realtime(options))
  await proven
  return () => bus.stop()
}

function startProducer(): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'producer.ts'), {
    execArgv: ['--conditions=@aimq/source'],
    env: { ...process.env, DATABASE_URL: url },
  })
  return once(child, 'message').then(() => child)
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

const raw = subject('hand-written LISTEN loop', 'raw', 'listen')
const listen = subject('AIMQ over LISTEN', 'by_listen', 'listen')
const supabase = subject('AIMQ over Realtime', 'by_realtime', 'supabase')
const subjects = [raw, listen, supabase]
const { url: realtimeUrl, serviceRoleKey: key } = server.realtime ?? { url: '', serviceRoleKey: '' }
const stops = [
  await startRaw(raw),
  await startAimq(listen, { listen: url }),
  await startAimq(supabase, { supabase: { url: realtimeUrl, key, connectionString: url } }),
]
const producer = await startProducer()
await pause(1000)
for (let round = 0; round < rounds; round++) {
  for (const subject of subjects) {
    // Long enough for the confirming look of the last hint to be over in two of three rounds.
    await pause(50 + Math.random() * 100)
    const arrival = new Promise<void>((resolve) => {
      started = resolve
    })
    producer.send({ queue: subject.queue, path: subject.path })
    await arrival
  }
  if (round % 50 === 49) process.stderr.write(`${round + 1} of ${rounds} rounds\n`)
}
producer.disconnect()
for (const stop of stops) await stop()
await server.stop()
await rm(dataDir, { recursive: true, force: true })

for (const { name, latencies } of subjects) {
  if (latencies.length !== rounds)
    throw new Error(`${name}: expected ${rounds} starts, got ${latencies.length}`)
  const sorted = latencies.toSorted((a, b) => a - b)
  const [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1].map((share) =>
    percentile(sorted, share).toFixed(2).padStart(7),
  )
  console.log(`${name.padEnd(26)} p50 ${p50} ms  p95 ${p95} ms  p99 ${p99} ms  max ${max} ms`)
}
