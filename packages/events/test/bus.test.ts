import { describe, expect, it } from 'vitest'
import { type Bus, createBus, createService, type Plugin, silentLogger } from '../src/index.ts'
import { recordFacts } from '../src/testing.ts'

const hint = { queue: 'emails', source: 'test' }
const newBus = (): Bus => createBus({ logger: silentLogger })

describe('facts', () => {
  it('reach every listener, in order, with the payload as given', () => {
    const bus = newBus()
    const heard: unknown[] = []
    bus.on('job:enqueued', (fact) => heard.push(['first', fact]))
    bus.on('job:enqueued', (fact) => heard.push(['second', fact]))
    bus.emit('job:enqueued', hint)
    expect(heard).toEqual([
      ['first', hint],
      ['second', hint],
    ])
  })

  it('reach the listeners behind one that throws, and not the emitter', () => {
    const bus = newBus()
    const heard: unknown[] = []
    const failures = recordFacts(bus, 'bus:listener-failed')
    bus.on('job:enqueued', () => {
      throw new Error('broken listener')
    })
    bus.on('job:enqueued', (fact) => heard.push(fact))
    bus.emit('job:enqueued', hint)
    expect(heard).toEqual([hint])
    expect(failures).toEqual([
      {
        name: 'bus:listener-failed',
        fact: { fact: 'job:enqueued', error: { code: 'Error', message: 'broken listener' } },
      },
    ])
  })

  it('survive a listener whose promise rejects', async () => {
    const bus = newBus()
    const failed = new Promise((resolve) => bus.on('bus:listener-failed', resolve))
    bus.on('job:enqueued', async () => {
      throw 'a string'
    })
    bus.emit('job:enqueued', hint)
    expect(await failed).toMatchObject({ error: { message: 'a string' } })
  })

  it('survive a listener of failures that fails itself', () => {
    const bus = newBus()
    bus.on('bus:listener-failed', () => {
      throw new Error('again')
    })
    bus.on('job:enqueued', () => {
      throw new Error('first')
    })
    expect(() => bus.emit('job:enqueued', hint)).not.toThrow()
  })

  it('stop reaching a listener that was disposed, or whose signal aborted', () => {
    const bus = newBus()
    const heard: string[] = []
    const abort = new AbortController()
    const subscription = bus.on('job:enqueued', () => heard.push('disposed'))
    bus.on('job:enqueued', () => heard.push('aborted'), { signal: abort.signal })
    bus.on('job:enqueued', () => heard.push('never'), { signal: AbortSignal.abort() })
    subscription[Symbol.dispose]()
    abort.abort()
    bus.emit('job:enqueued', hint)
    expect(heard).toEqual([])
    expect(bus.hasListeners('job:enqueued')).toBe(false)
  })

  it('reach a once listener once, even when it emits again', () => {
    const bus = newBus()
    let heard = 0
    bus.once('job:enqueued', () => {
      heard++
      bus.emit('job:enqueued', hint)
    })
    bus.emit('job:enqueued', hint)
    bus.emit('job:enqueued', hint)
    expect(heard).toBe(1)
  })

  it('reach the same function twice when it listens twice, and once after one is disposed', () => {
    const bus = newBus()
    let heard = 0
    const listener = () => heard++
    bus.on('job:enqueued', listener)
    bus.on('job:enqueued', listener)[Symbol.dispose]()
    bus.emit('job:enqueued', hint)
    expect(heard).toBe(1)
  })
})

describe('requests', () => {
  it('are answered by the one answerer', async () => {
    const bus = newBus()
    bus.handle('queue:purge', async ({ queue }) => ({ count: queue.length }))
    expect(await bus.request('queue:purge', { queue: 'emails' })).toEqual({ count: 6 })
  })

  it('that nobody answers name the package to install', async () => {
    const bus = newBus()
    await expect(bus.request('queue:list', {})).rejects.toMatchObject({
      code: 'events/no-handler',
      message: expect.stringContaining('npm install @aimq/queue'),
    })
    expect(bus.canRequest('queue:list')).toBe(false)
  })

  it('refuse a second answerer, and take one after the first is gone', async () => {
    const bus = newBus()
    const first = bus.handle('queue:drop', async () => ({ dropped: true }))
    expect(() => bus.handle('queue:drop', async () => ({ dropped: false }))).toThrow(
      expect.objectContaining({ code: 'events/already-handled' }),
    )
    first[Symbol.dispose]()
    bus.handle('queue:drop', async () => ({ dropped: false }))
    // Disposing the first again must not take the second away.
    first[Symbol.dispose]()
    expect(await bus.request('queue:drop', { queue: 'emails' })).toEqual({ dropped: false })
  })

  it('pass the error of the answerer on as it is', async () => {
    const bus = newBus()
    const refusal = new Error('no')
    bus.handle('queue:drop', async () => {
      throw refusal
    })
    await expect(bus.request('queue:drop', { queue: 'emails' })).rejects.toBe(refusal)
  })
})

describe('plugins', () => {
  function plugin(name: string, log: string[], failing: { start?: boolean; stop?: boolean } = {}): Plugin {
    return {
      name,
      create: () =>
        createService({
          name,
          async start() {
            if (failing.start) throw new Error(`${name} does not start`)
            log.push(`${name} up`)
          },
          async stop() {
            log.push(`${name} down`)
            if (failing.stop) throw new Error(`${name} does not stop`)
          },
        }),
    }
  }

  it('start when used and stop with the bus, last first', async () => {
    const log: string[] = []
    const bus = newBus()
    const facts = recordFacts(bus, 'bus:plugin-started', 'bus:plugin-stopped')
    await bus.use(plugin('a', log))
    await bus.use(plugin('b', log))
    await bus.stop()
    await bus.stop()
    expect(log).toEqual(['a up', 'b up', 'b down', 'a down'])
    expect(facts.map(({ name, fact }) => `${name} ${fact.plugin}`)).toEqual([
      'bus:plugin-started a',
      'bus:plugin-started b',
      'bus:plugin-stopped b',
      'bus:plugin-stopped a',
    ])
  })

  it('all finish what they have in hand before any of them stops', async () => {
    const log: string[] = []
    const bus = newBus()
    for (const name of ['a', 'b']) {
      await bus.use({
        name,
        create: () =>
          createService({
            name,
            async start() {},
            async beforeStop() {
              log.push(`${name} finishes`)
            },
            async stop() {
              log.push(`${name} stops`)
            },
          }),
      })
    }
    await bus.stop()
    expect(log).toEqual(['b finishes', 'a finishes', 'b stops', 'a stops'])
  })

  it('that do not start are not kept, and reject with their own error', async () => {
    const log: string[] = []
    const bus = newBus()
    await expect(bus.use(plugin('a', log, { start: true }))).rejects.toThrow('a does not start')
    await bus.use(plugin('a', log))
    await bus.stop()
    expect(log).toEqual(['a down', 'a up', 'a down'])
  })

  it('of one name are refused twice on a bus', async () => {
    await using bus = newBus()
    await bus.use(plugin('a', []))
    await expect(bus.use(plugin('a', []))).rejects.toMatchObject({ code: 'events/duplicate-plugin' })
  })

  it('that do not stop keep no other from stopping', async () => {
    const log: string[] = []
    const bus = newBus()
    await bus.use(plugin('a', log))
    await bus.use(plugin('b', log, { stop: true }))
    await expect(bus.stop()).rejects.toMatchObject({
      code: 'events/stop-failed',
      message: expect.stringContaining('b does not stop'),
    })
    expect(log.at(-1)).toBe('a down')
  })
})
