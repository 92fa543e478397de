import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '@aimq/embedded'
import { createBus, silentLogger } from '@aimq/events'
import { nextFact, recordFacts } from '@aimq/events/testing'
import { queue } from '@aimq/queue'
import { realtime } from '@aimq/realtime'
import { worker } from '@aimq/worker'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startPgbouncer } from '../../../packages/queue/test/pgbouncer.ts'
import { ownPort } from '../../faults/harness/own-port.ts'
import { startTcpProxy } from '../../faults/harness/tcp-proxy.ts'
import { createDatabase, type TestDatabase } from '../harness/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

function newBus() {
  const bus = createBus({ logger: silentLogger })
  onTestFinished(() => bus.stop({ signal: AbortSignal.abort() }))
  return bus
}

describe('LISTEN', () => {
  it('on a session that is only half there is found out by its canary, and opened anew', async () => {
    await using proxy = await startTcpProxy(database.url)
    const bus = newBus()
    const first = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'healthy')
    await bus.use(realtime({ listen: { connectionString: proxy.url, canaryIntervalMs: 500 } }))
    await first
    const lost = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'degraded', 20_000)
    const back = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'healthy', 30_000)
    proxy.blackHole()
    await lost
    await back
    const hint = nextFact(bus, 'job:enqueued')
    await database.query(`select pg_notify('aimq:jobs', '{"queue":"emails"}')`)
    await hint
  })

  it('through a transaction pooler is found out at the start, said in plain words, and jobs are polled for', async () => {
    await using pooler = await startPgbouncer(database.url)
    const bus = newBus()
    await bus.use(queue({ connectionString: pooler.url }))
    await bus.request('queue:create', { queue: 'pooled' })
    await bus.use(worker({ handlers: { pooled: () => {} } }))
    const degraded = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'degraded', 20_000)
    await bus.use(realtime({ listen: pooler.url }))
    await degraded
    const { cause } = await bus.request('realtime:status', {})
    expect(cause).toMatch(/transaction pooler/)
    const completed = nextFact(bus, 'worker:job-completed')
    await database.query(`select pgmq.send('pooled', '{}'::jsonb)`)
    await completed
  })

  it('on a standby is said in plain words', async () => {
    const home = await mkdtemp(join(tmpdir(), 'aimq-standby-'))
    const primary = await startEmbedded({ dataDir: home, port: await ownPort() })
    const { dataDir, port } = primary
    await primary.stop()
    try {
      await writeFile(join(dataDir, 'pgdata', 'standby.signal'), '')
      await using standby = await startEmbedded({ dataDir: home, port })
      const bus = newBus()
      const degraded = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'degraded')
      await bus.use(realtime({ listen: standby.connectionString }))
      expect((await degraded).cause).toMatch(/this is a standby, which cannot LISTEN; connect to the primary/)
      await bus.stop()
    } finally {
      for (const folder of new Set([dataDir, home])) await rm(folder, { recursive: true, force: true })
    }
  })

  it('that nobody answers is tried again in peace: under three times a second', async () => {
    const bus = newBus()
    const lines: unknown[] = []
    const log = (_fields: object, message: string) => void lines.push(message)
    const quiet = createBus({ logger: { debug: log, info: log, warn: log, error: log } })
    onTestFinished(() => quiet.stop())
    const degraded = nextFact(quiet, 'realtime:health-changed')
    await quiet.use(realtime({ listen: 'postgres://nobody:hunter2@127.0.0.1:1/none' }))
    expect((await degraded).health).toBe('degraded')
    await new Promise((resolve) => setTimeout(resolve, 3000))
    expect(lines).toHaveLength(1)
    expect(String(lines[0])).not.toContain('hunter2')
    expect(bus.canRequest('realtime:status')).toBe(false)
  })
})

describe('stopping', () => {
  it('leaves a process nothing to wait for, and takes a step away without a trace', async () => {
    const bus = newBus()
    await bus.use(queue({ connectionString: database.url }))
    await bus.request('queue:create', { queue: 'stepwise' })
    await bus.use(worker({ handlers: { stepwise: () => {} } }))
    const healthy = nextFact(bus, 'realtime:health-changed', ({ health }) => health === 'healthy')
    const step = await bus.use(realtime({ listen: database.url }))
    await healthy
    expect((await bus.request('worker:status', {})).wakeupsProven).toBe(true)
    const facts = recordFacts(bus, 'realtime:health-changed')
    await step.stop()
    expect(bus.canRequest('realtime:status')).toBe(false)
    expect(facts.at(-1)?.fact.health).not.toBe('healthy')
    expect((await bus.request('worker:status', {})).wakeupsProven).toBe(false)
    const completed = nextFact(bus, 'worker:job-completed')
    await database.query(`select pgmq.send('stepwise', '{}'::jsonb)`)
    await completed
  })

  it('a program that only listened ends by itself when it has stopped', async () => {
    const program = `
      import { createBus } from '@aimq/events'
      import { realtime } from '@aimq/realtime'
      const bus = createBus()
      const hint = new Promise((resolve) => bus.once('job:enqueued', resolve))
      await bus.use(realtime({ listen: process.env.DATABASE_URL }))
      console.log((await hint).queue)
      await bus.stop()
    `
    const child = spawn(
      process.execPath,
      ['--conditions=@aimq/source', '--input-type=module', '--eval', program],
      {
        cwd: import.meta.dirname,
        env: { PATH: process.env.PATH, DATABASE_URL: database.url },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    const exited = once(child, 'exit')
    // It may not listen yet: again until it has heard one.
    const again = setInterval(
      () => void database.query(`select pg_notify('aimq:jobs', '{"queue":"alone"}')`),
      100,
    )
    try {
      expect(await exited).toEqual([0, null])
    } finally {
      clearInterval(again)
    }
    expect(output).toBe('alone\n')
  })
})
