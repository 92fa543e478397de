import { once } from 'node:events'
import { type LocalRealtime, type RealtimeOptions, startRealtime } from '@aimq/embedded'
import { type RealtimeChannel, RealtimeClient, type RealtimeClientOptions } from '@supabase/realtime-js'
import pg from 'pg'
import { expect } from 'vitest'
import WebSocket from 'ws'
import { anyPort } from '../../src/port.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser URL of the PostgreSQL of the test run. */
    databaseUrl: string
  }
}

export interface Bundle extends AsyncDisposable {
  readonly realtime: LocalRealtime
  readonly connectionString: string
  /** As the superuser. */
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>
  client(options?: Partial<RealtimeClientOptions>): RealtimeClient
  /** A raw socket, open. */
  raw(options?: {
    apikey?: string
    vsn?: string
    path?: string
    headers?: Record<string, string>
  }): Promise<RawSocket>
}

/** A database of its own with a Realtime server on it. Disposing closes every client, server and database. */
export async function setup(
  databaseUrl: string,
  options: Partial<RealtimeOptions> & { sql?: string } = {},
): Promise<Bundle> {
  const { sql, ...realtimeOptions } = options
  const database = await makeDatabase(databaseUrl)
  const pool = new pg.Pool({ connectionString: database.url, max: 2 })
  pool.on('error', () => {})
  if (sql !== undefined) await pool.query(sql)
  const realtime = await startRealtime({
    // Not the default, which the server of another test file may take when this one restarts.
    port: await anyPort(),
    connectionString: database.url,
    joinErrorDelayMs: 10,
    ...realtimeOptions,
  })
  const clients: RealtimeClient[] = []
  const raws: RawSocket[] = []
  return {
    realtime,
    connectionString: database.url,
    query: async (text, values) => (await pool.query(text, values)).rows,
    client(clientOptions = {}) {
      const client = new RealtimeClient(realtime.url, {
        params: { apikey: realtime.anonKey },
        ...clientOptions,
      })
      clients.push(client)
      return client
    },
    async raw({ apikey = realtime.anonKey, vsn = '2.0.0', path = '/websocket', headers = {} } = {}) {
      const url = `${realtime.url.replace('http', 'ws')}${path}?apikey=${apikey}&vsn=${vsn}`
      const socket = new RawSocket(new WebSocket(url, { headers }))
      raws.push(socket)
      await socket.opened
      return socket
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.disconnect()
      for (const raw of raws) raw.ws.terminate()
      await realtime.stop()
      await pool.end()
      await database.drop()
    },
  }
}

export async function makeDatabase(
  databaseUrl: string,
): Promise<{ url: string; name: string; drop(): Promise<void> }> {
  const name = `realtime_${crypto.randomUUID().replaceAll('-', '')}`
  await execute(databaseUrl, `create database ${name}`)
  const url = new URL(databaseUrl)
  url.pathname = `/${name}`
  return { url: url.href, name, drop: () => execute(databaseUrl, `drop database ${name} with (force)`) }
}

export async function execute(databaseUrl: string, sql: string): Promise<void> {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** Frames in the order they come, with a way to wait for the next one that fits. */
export class RawSocket {
  readonly ws: WebSocket
  readonly opened: Promise<unknown>
  readonly closed: Promise<number>
  readonly frames: (string | Buffer)[] = []
  #wake: () => void = () => {}

  constructor(ws: WebSocket) {
    this.ws = ws
    this.opened = once(ws, 'open')
    this.closed = new Promise((resolve) => ws.on('close', resolve))
    ws.on('error', () => {})
    ws.on('message', (data: Buffer, isBinary: boolean) => {
      this.frames.push(isBinary ? data : data.toString('utf8'))
      this.#wake()
    })
  }

  send(frame: unknown): void {
    this.ws.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame))
  }

  /** Takes the next frame out that `fits`; earlier ones stay. Text frames come parsed. */
  // biome-ignore lint/suspicious/noExplicitAny: frames are looked into by the test
  async next(fits: (frame: any) => boolean = () => true): Promise<any> {
    const end = Date.now() + 8000
    for (;;) {
      for (const [index, frame] of this.frames.entries()) {
        const parsed = typeof frame === 'string' ? JSON.parse(frame) : frame
        if (!fits(parsed)) continue
        this.frames.splice(index, 1)
        return parsed
      }
      const left = end - Date.now()
      if (left <= 0) throw new Error(`no such frame; there are ${JSON.stringify(this.frames)}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  /** Text frames that nobody took out, as they came. */
  get texts(): string[] {
    return this.frames.filter((frame) => typeof frame === 'string')
  }

  async settleV1(): Promise<void> {
    const ref = crypto.randomUUID()
    this.send({ topic: 'phoenix', event: 'heartbeat', payload: {}, ref })
    await this.next((frame) => frame.ref === ref)
  }

  /** Joins, and gives the reply. */
  async join(
    topic: string,
    payload: unknown = {},
    ref = '1',
  ): Promise<{ status: string; response: unknown }> {
    this.send([ref, ref, topic, 'phx_join', payload])
    return (await this.next((frame) => frame[3] === 'phx_reply' && frame[1] === ref))[4]
  }

  /** A round trip: everything the server had to say before it is here now. */
  async settle(): Promise<void> {
    const ref = crypto.randomUUID()
    this.send([null, ref, 'phoenix', 'heartbeat', {}])
    await this.next((frame) => frame[1] === ref)
  }
}

export interface Heard {
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: payloads are looked into by the test
  readonly payload: any
  readonly meta?: { id?: string; replayed?: boolean }
}

/** A channel of the genuine client, what it heard, and what became of it. */
export interface Listener {
  readonly channel: RealtimeChannel
  readonly heard: Heard[]
  readonly statuses: string[]
  readonly errors: (Error | undefined)[]
  // biome-ignore lint/suspicious/noExplicitAny: as the client gives it
  readonly systems: any[]
  hears(count: number): Promise<void>
  becomes(status: string, times?: number): Promise<void>
}

export function listen(client: RealtimeClient, topic: string, config: object = {}): Listener {
  const channel = client.channel(topic, { config } as never)
  const heard: Heard[] = []
  const statuses: string[] = []
  const errors: (Error | undefined)[] = []
  const systems: unknown[] = []
  channel.on('broadcast', { event: '*' }, (message) => heard.push(message as unknown as Heard))
  channel.on('system', {}, (message: unknown) => systems.push(message))
  channel.subscribe((status, error) => {
    statuses.push(status)
    errors.push(error)
  }, 10_000)
  const wait = { timeout: 8000, interval: 2 }
  return {
    channel,
    heard,
    statuses,
    errors,
    systems,
    hears: (count) => expect.poll(() => heard.length, wait).toBeGreaterThanOrEqual(count),
    becomes: (status, times = 1) =>
      expect
        .poll(() => statuses.filter((seen) => seen === status).length, wait)
        .toBeGreaterThanOrEqual(times),
  }
}

/** Lets everybody with this role read, or also write, every private topic. */
export function policies(role: string, write = false): string {
  const read = `create policy read_all on realtime.messages for select to ${role} using (true);`
  return write
    ? `${read} create policy write_all on realtime.messages for insert to ${role} with check (true);`
    : read
}
