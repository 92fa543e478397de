import { describe, expect, it } from 'vitest'
import type { Service } from '../service.ts'

export interface ServiceHarness {
  /** A new service, not started. */
  make(): Service | Promise<Service>
  /** Whether the service is really up, judged from outside. */
  isUp(service: Service): boolean | Promise<boolean>
}

/** The lifecycle every service promises (see `Service`), as a suite. */
export function describeService(label: string, harness: ServiceHarness): void {
  describe(`${label}, as a service`, () => {
    it('is down until it is started', async () => {
      await using service = await harness.make()
      expect(await harness.isUp(service)).toBe(false)
    })

    it('is up when start resolves and down when stop resolves', async () => {
      await using service = await harness.make()
      await service.start()
      expect(await harness.isUp(service)).toBe(true)
      await service.stop()
      expect(await harness.isUp(service)).toBe(false)
    })

    it('starts once for concurrent and repeated callers', async () => {
      await using service = await harness.make()
      await Promise.all([service.start(), service.start(), service.start()])
      await service.start()
      expect(await harness.isUp(service)).toBe(true)
    })

    it('stops without having been started, twice, and concurrently', async () => {
      const service = await harness.make()
      await service.stop()
      await service.start()
      await Promise.all([service.stop(), service.stop()])
      await service.stop()
      expect(await harness.isUp(service)).toBe(false)
    })

    it('is down after a stop that came while it was starting', async () => {
      const service = await harness.make()
      const started = service.start().catch(() => {})
      await service.stop()
      await started
      expect(await harness.isUp(service)).toBe(false)
    })

    it('is down after a start whose signal was aborted', async () => {
      const service = await harness.make()
      await expect(service.start({ signal: AbortSignal.abort() })).rejects.toThrow()
      expect(await harness.isUp(service)).toBe(false)
    })

    it('starts again after a stop', async () => {
      await using service = await harness.make()
      await service.start()
      await service.stop()
      await service.start()
      expect(await harness.isUp(service)).toBe(true)
    })

    it('stops when it is disposed', async () => {
      const service = await harness.make()
      {
        await using disposed = service
        await disposed.start()
      }
      expect(await harness.isUp(service)).toBe(false)
    })

    it('survives a storm of concurrent starts and stops', async () => {
      const service = await harness.make()
      for (let round = 0; round < 10; round++) {
        const calls = Array.from({ length: 10 }, (_, index) =>
          index % 2 === 0 ? service.start() : service.stop(),
        )
        await Promise.allSettled(calls)
      }
      await service.stop()
      expect(await harness.isUp(service)).toBe(false)
    })
  })
}
