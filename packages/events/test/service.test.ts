import { describe, expect, it } from 'vitest'
import { createService, type Service } from '../src/index.ts'
import { describeService } from '../src/testing.ts'

const up = new WeakMap<Service, { value: boolean }>()

function slowService(): Service {
  const state = { value: false }
  const pause = () => new Promise((resolve) => setImmediate(resolve))
  const service = createService({
    name: 'slow',
    async start() {
      await pause()
      if (state.value) throw new Error('started twice')
      state.value = true
    },
    async stop() {
      await pause()
      state.value = false
    },
  })
  up.set(service, state)
  return service
}

describeService('createService', { make: slowService, isUp: (service) => up.get(service)?.value ?? false })

describe('createService', () => {
  it('undoes a start that failed, and rejects with its error', async () => {
    const calls: string[] = []
    const service = createService({
      name: 'broken',
      async start() {
        calls.push('start')
        throw new Error('half-way')
      },
      async stop() {
        calls.push('stop')
      },
    })
    await expect(service.start()).rejects.toThrow('half-way')
    expect(calls).toEqual(['start', 'stop'])
  })

  it('lets work go on while it stops, until the signal of any caller aborts', async () => {
    const { promise: aborted, resolve } = Promise.withResolvers<void>()
    const service = createService({
      name: 'busy',
      async start() {},
      async beforeStop(signal) {
        signal.addEventListener('abort', () => resolve())
        await aborted
      },
      async stop() {},
    })
    await service.start()
    const first = service.stop()
    const impatient = new AbortController()
    const second = service.stop({ signal: impatient.signal })
    impatient.abort()
    await Promise.all([first, second])
  })

  it('finishes its work once, before it stops, whoever asks for that first', async () => {
    const calls: string[] = []
    const service = createService({
      name: 'busy',
      async start() {},
      async beforeStop() {
        calls.push('finish')
      },
      async stop() {
        calls.push('stop')
      },
    })
    await service.beforeStop()
    await service.start()
    await Promise.all([service.beforeStop(), service.beforeStop()])
    await service.stop()
    await service.start()
    await service.stop()
    expect(calls).toEqual(['finish', 'stop', 'finish', 'stop'])
  })
})
