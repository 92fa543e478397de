import { expect, it, onTestFinished, vi } from 'vitest'
import { createQueueClient } from '../src/index.ts'
import { createDatabase } from './database.ts'

it('keeps its connection from one safety poll of an idle worker to the next, and gives it up in the end', async () => {
  await using database = await createDatabase()
  const backends = () =>
    database.query(
      `select pid from pg_stat_activity where application_name = 'aimq' and datname = current_database()`,
    )
  await backends()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  await using client = createQueueClient({ connectionString: database.url })
  await client.list()
  const first = await backends()
  expect(first).toHaveLength(1)
  // Half a minute, and a tenth of it.
  vi.advanceTimersByTime(33_000)
  await client.list()
  expect(await backends()).toEqual(first)
  vi.advanceTimersByTime(120_000)
  vi.useRealTimers()
  await expect.poll(backends).toEqual([])
})
