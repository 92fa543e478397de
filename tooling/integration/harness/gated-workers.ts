import { type Bus, createBus, silentLogger } from '@aimq/events'
import { nextFact } from '@aimq/events/testing'
import { queue } from '@aimq/queue'
import { realtime } from '@aimq/realtime'
import { worker } from '@aimq/worker'
import pg from 'pg'

/** One minute: whatever starts sooner was told of, or looked for on account of a wake-up that may have been missed. */
export const pollIntervalMs = 60_000

/** When jobs were committed and when they started, by the clock of this process, under the key in their payload. */
export class Timing {
  readonly #started = new Map<string, number>()
  readonly #committed = new Map<string, { at: number; kind: string }>()
  /** Started, and never committed. */
  get strangers(): string[] {
    return [...this.#started.keys()].filter((key) => !this.#committed.has(key))
  }

  get lost(): string[] {
    return [...this.#committed.keys()].filter((key) => !this.#started.has(key))
  }

  readonly handler = ({ payload }: { payload: unknown }): void => {
    const { key } = payload as { key: string }
    if (!this.#started.has(key)) this.#started.set(key, performance.now())
  }

  committed(keys: readonly string[], kind: string, at: number = performance.now()): void {
    for (const key of keys) this.#committed.set(key, { at, kind })
  }

  /** How long each started after its commit, soonest first; of one kind, or all. */
  latenciesMs(kind?: string): number[] {
    return [...this.#committed]
      .filter(([, commit]) => kind === undefined || commit.kind === kind)
      .map(([key, { at }]) => (this.#started.get(key) ?? Number.POSITIVE_INFINITY) - at)
      .sort((a, b) => a - b)
  }
}

/** A worker woken over LISTEN and else asleep; resolves when its wake-ups are proven. */
export async function startGatedWorker(
  url: string,
  name: string,
  handler: (job: { payload: unknown }) => void,
): Promise<Bus> {
  const bus = createBus({ logger: silentLogger })
  await bus.use(queue({ connectionString: url }))
  await bus.request('queue:create', { queue: name })
  await bus.use(
    worker({ handlers: { [name]: handler }, pollIntervalMs, safetyPollIntervalMs: pollIntervalMs }),
  )
  const healthy = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'healthy')
  await bus.use(realtime({ listen: url }))
  await healthy
  return bus
}

/** A session of a producer, in plain SQL. */
export async function connect(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
}

/** Sends as fast as so many sessions can, until it is disposed; answers how many jobs it has committed so far. */
export async function startFlood(
  url: string,
  { queue: name, sessions, timing }: { queue: string; sessions: number; timing: Timing },
): Promise<AsyncDisposable & { sent(): number }> {
  let flowing = true
  let sent = 0
  const done = Array.from({ length: sessions }, async (_, session) => {
    await using client = await connect(url)
    for (let n = 0; flowing; n++) {
      const key = `flood ${session} ${n}`
      await client.query({
        name: 'send',
        text: 'select pgmq.send($1, $2::jsonb)',
        values: [name, JSON.stringify({ key })],
      })
      timing.committed([key], 'flood')
      sent++
    }
  })
  return {
    sent: () => sent,
    async [Symbol.asyncDispose]() {
      flowing = false
      await Promise.all(done)
    },
  }
}
