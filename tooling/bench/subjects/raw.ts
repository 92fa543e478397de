import pg from 'pg'
import { installTriggers } from './aimq.ts'
import type { Handler, Payload, Subject } from './subject.ts'
import { inspectTables } from './tables.ts'

const batch = 500
const channel = 'aimq:jobs'

export interface RawProfile {
  readonly label: string
  readonly settings: string
  readonly finish: 'delete' | 'archive'
  /** Sends by pgmq's own functions, or by an INSERT of one's own. */
  readonly sends: 'function' | 'insert'
  /** With LISTEN, and a statement trigger that notifies. */
  readonly listens: boolean
  /** With AIMQ's trigger, for producers that know nothing of AIMQ. */
  readonly triggered?: boolean
}

/**
 * What one would write by hand in an afternoon: loops over pgmq's functions, two connections, batches of 500, and no
 * retries, no hooks, no heartbeat. The limit, not a product.
 */
export function raw({ label, settings, finish, sends, listens, triggered = false }: RawProfile): Subject {
  return {
    label,
    settings,
    needsRedis: false,
    async prepare({ postgres }) {
      await withClient(postgres, (client) => client.query(`select pgmq.create('bench')`))
      if (listens) await installStatementTrigger(postgres)
      if (triggered) await installTriggers(postgres, 'notify')
    },
    inspect: ({ postgres }) =>
      inspectTables(postgres, {
        open: 'pgmq.q_bench',
        due: 'vt',
        truncate: 'pgmq.q_bench, pgmq.a_bench',
        vacuum: 'pgmq.q_bench, pgmq.a_bench',
      }),
    async produce({ postgres }, inFlight) {
      const pool = new pg.Pool({ connectionString: postgres, max: Math.min(inFlight, 20) })
      const one =
        sends === 'function'
          ? `select pgmq.send('bench', $1::jsonb, ($2::float8)::int)`
          : `insert into pgmq.q_bench (vt, message) values (clock_timestamp() + $2::float8 * interval '1 second', $1::jsonb) returning msg_id`
      const many =
        sends === 'function'
          ? `select count(*) from pgmq.send_batch('bench', array(select value from jsonb_array_elements($1::jsonb)), ($2::float8)::int)`
          : `insert into pgmq.q_bench (vt, message) select clock_timestamp() + $2::float8 * interval '1 second', value from jsonb_array_elements($1::jsonb)`
      return {
        send: async (payload, delayMs = 0) => {
          await pool.query({ name: 'send', text: one, values: [JSON.stringify(payload), delayMs / 1000] })
        },
        sendMany: async (payloads, delayMs = 0) => {
          await pool.query({ name: 'many', text: many, values: [JSON.stringify(payloads), delayMs / 1000] })
        },
        close: () => pool.end(),
      }
    },
    async work({ postgres }, { handler }) {
      const loops = [new Loop(postgres, finish, handler), new Loop(postgres, finish, handler)]
      const listener = new pg.Client({ connectionString: postgres })
      await listener.connect()
      listener.on('notification', () => loops[0]?.wake())
      await Promise.all(loops.map((loop) => loop.connect()))
      if (listens) await listener.query(`listen "${channel}"`)
      const ends = loops.map((loop) => loop.run())
      return {
        stop: async () => {
          for (const loop of loops) loop.end()
          await Promise.all(ends)
          await listener.end()
        },
      }
    },
  }
}

class Loop {
  readonly #client: pg.Client
  readonly #finish: string
  readonly #handler: Handler
  #ended = false
  #woken = false
  #wake: (() => void) | undefined

  constructor(url: string, finish: 'delete' | 'archive', handler: Handler) {
    this.#client = new pg.Client({ connectionString: url })
    this.#finish = `select count(*) from pgmq.${finish}('bench', $1::bigint[])`
    this.#handler = handler
  }

  async connect(): Promise<void> {
    await this.#client.connect()
  }

  wake(): void {
    this.#woken = true
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.wake()
  }

  async run(): Promise<void> {
    while (!this.#ended) {
      this.#woken = false
      const { rows } = await this.#client.query({
        name: 'read',
        text: `select msg_id, message from pgmq.read('bench', 30, $1)`,
        values: [batch],
      })
      if (rows.length === 0) await this.#idle()
      else {
        await Promise.all(rows.map((row) => this.#handler(row.message as Payload)))
        const ids = rows.map((row) => row.msg_id)
        await this.#client.query({ name: 'finish', text: this.#finish, values: [ids] })
      }
    }
    await this.#client.end()
  }

  async #idle(): Promise<void> {
    if (this.#woken || this.#ended) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 1000)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = undefined
  }
}

/** One that tells of every insert. */
async function installStatementTrigger(url: string): Promise<void> {
  const hint = `json_build_object('event', 'job_enqueued', 'queue', 'bench', 'v', 1)::text`
  await withClient(url, (client) =>
    client.query(`
      create function public.tell_of_jobs() returns trigger language plpgsql as $$
      begin perform pg_notify('${channel}', ${hint}); return null; end $$;
      create trigger tell_of_jobs after insert on pgmq.q_bench for each statement execute function public.tell_of_jobs();`),
  )
}

async function withClient(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
