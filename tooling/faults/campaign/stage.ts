import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type LocalRealtime, startRealtime } from '@aimq/embedded'
import { createQueueClient } from '@aimq/queue'
import { createTriggersClient } from '@aimq/triggers'
import type { ChildProgram } from '../harness/child-program.ts'
import { type PostgresServer, startPostgresServer } from '../harness/postgres-server.ts'
import { startProducerProcess } from '../harness/producer-process.ts'
import { startTcpProxy, type TcpProxy } from '../harness/tcp-proxy.ts'
import {
  startWorkerProcess,
  type WorkerProcess,
  type WorkerProcessOptions,
} from '../harness/worker-process.ts'

export const queues: readonly string[] = ['alpha', 'beta']
export const leaseMs = 3000
export const workerCount = 3
export const producerCount = 2

/** However much the machine has to do: a process that was told to end has ended by then, or never does. */
export const endsWithinMs = 15_000

/** How a process came to its end. */
export interface Ending {
  readonly who: string
  /** What was done to it on purpose; undefined: nothing. */
  readonly told: NodeJS.Signals | undefined
  /** It did not end in time, and had to be killed. */
  readonly late: boolean
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

/** Everything that can be broken, running: a database, Realtime, two producers and three workers by way of a proxy. */
export class Stage implements AsyncDisposable {
  readonly server: PostgresServer
  readonly proxy: TcpProxy
  readonly realtime: LocalRealtime
  readonly ledger: string
  readonly workers: (WorkerProcess | undefined)[] = []
  readonly producers: (ChildProgram | undefined)[] = []
  readonly endings: Ending[] = []
  readonly #folder: string
  readonly #seed: number
  readonly #everyMs: number
  readonly #told = new Map<number, NodeJS.Signals>()
  readonly #late = new Set<number>()
  readonly #watching: Promise<void>[] = []
  readonly #turns = new Map<string, Promise<void>>()
  #generation = 0

  private constructor(
    parts: Pick<Stage, 'server' | 'proxy' | 'realtime' | 'ledger'>,
    folder: string,
    seed: number,
    everyMs: number,
  ) {
    this.server = parts.server
    this.proxy = parts.proxy
    this.realtime = parts.realtime
    this.ledger = parts.ledger
    this.#folder = folder
    this.#seed = seed
    this.#everyMs = everyMs
  }

  /** `everyMs`: how long each producer waits between two sends. */
  static async open(seed: number, everyMs: number): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), 'aimq-campaign-'))
    const ledger = join(folder, 'ledger')
    await writeFile(ledger, '')
    const server = await startPostgresServer({ max_connections: '60' })
    const realtime = await startRealtime({ connectionString: server.url, joinErrorDelayMs: 50 })
    const proxy = await startTcpProxy(server.url)
    await using client = createQueueClient({ connectionString: server.url })
    for (const queue of queues) await client.create(queue)
    await client.install()
    const triggers = createTriggersClient({ connectionString: server.url })
    await triggers.install({ queues, paths: ['notify', 'realtime'] })
    const stage = new Stage({ server, realtime, proxy, ledger }, folder, seed, everyMs)
    for (let n = 0; n < workerCount; n++) await stage.startWorker(n)
    for (let n = 0; n < producerCount; n++) await stage.startProducer(n)
    return stage
  }

  /** As a process manager does: one that finds no database at its start ends, and is started again. */
  async startWorker(n: number, clockSkewMs = 0): Promise<void> {
    for (let tries = 1; ; tries++) {
      const program = await startWorkerProcess({ ...this.#workerOptions(), clockSkewMs })
      if (program.ready) {
        this.workers[n] = this.#watch(`worker ${n + 1}`, program)
        return
      }
      if (tries === 60) throw new Error(`worker ${n + 1} does not start: ${program.stderr()}`)
      await sleep(500)
    }
  }

  #workerOptions(): WorkerProcessOptions {
    const { proxy, realtime, ledger } = this
    return {
      url: proxy.url,
      queue: queues,
      ledger,
      leaseMs,
      concurrency: 5,
      retryMs: 300,
      gracePeriodMs: 1000,
      queryTimeoutMs: 2000,
      // More than any run can spend: whoever is dead in the end was told to die.
      policy: { maxCrashes: 1000 },
      realtime: {
        listen: { connectionString: proxy.url, canaryIntervalMs: 2000 },
        supabase: {
          url: realtime.url,
          key: realtime.serviceRoleKey,
          connectionString: proxy.url,
          canaryIntervalMs: 3000,
        },
      },
    }
  }

  async startProducer(n: number): Promise<void> {
    const { proxy, ledger } = this
    this.#generation++
    this.producers[n] = this.#watch(
      `producer ${n + 1}`,
      await startProducerProcess({
        url: proxy.url,
        queues,
        ledger,
        name: `p${n + 1}`,
        seed: this.#seed + 1000 * n + this.#generation,
        everyMs: this.#everyMs,
        queryTimeoutMs: 2000,
      }),
    )
  }

  /** Sends the signal and, for one that ends a process, waits until it has ended, or has had all the time it may take. */
  async tell(program: ChildProgram | undefined, signal: NodeJS.Signals): Promise<void> {
    if (program === undefined) return
    const ends = signal !== 'SIGSTOP' && signal !== 'SIGCONT'
    if (ends) this.#told.set(program.pid, signal)
    program.kill(signal)
    if (!ends || (await endedInTime(program))) return
    this.#late.add(program.pid)
    program.kill('SIGKILL')
    await program.exited
  }

  /** Two faults that would undo one another strike one after the other. */
  async inTurn(turn: string, work: () => Promise<void>): Promise<void> {
    const mine = (this.#turns.get(turn) ?? Promise.resolve()).then(work)
    this.#turns.set(
      turn,
      mine.catch(() => {}),
    )
    await mine
  }

  /** All that is running ends in good order, and everything that was said is in `endings`. */
  async close(): Promise<void> {
    for (const group of [this.producers, this.workers])
      await Promise.all(group.map((program) => this.tell(program, 'SIGTERM')))
    await Promise.all(this.#watching)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of [...this.producers, ...this.workers]) await program?.[Symbol.asyncDispose]()
    await this.realtime.stop()
    await this.proxy[Symbol.asyncDispose]()
    await this.server[Symbol.asyncDispose]()
    await rm(this.#folder, { recursive: true, force: true })
  }

  #watch<Program extends ChildProgram>(who: string, program: Program): Program {
    this.#watching.push(
      program.exited.then(([code, signal]) => {
        const told = this.#told.get(program.pid)
        const late = this.#late.has(program.pid)
        this.endings.push({ who, told, late, code, signal, stderr: program.stderr() })
      }),
    )
    return program
  }
}

const endedInTime = ({ exited }: ChildProgram): Promise<boolean> =>
  Promise.race([exited.then(() => true), sleep(endsWithinMs, false, { ref: false })])
