import { expect, it } from 'vitest'
import { faults } from '../campaign/faults.ts'
import { reportOf } from '../campaign/report.ts'
import { runCampaign } from '../campaign/run-campaign.ts'
import { scheduleOf } from '../campaign/schedule.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const minutes = 3

it('a seed repeats its schedule, and every fault has its turn in some', () => {
  const strikes = scheduleOf(seed, 600_000, faults)
  expect(scheduleOf(seed, 600_000, faults)).toEqual(strikes)
  expect(scheduleOf(seed + 1, 600_000, faults)).not.toEqual(strikes)
  const many = Array.from({ length: 20 }, (_, n) => scheduleOf(n, 600_000, faults)).flat()
  expect(new Set(many.map(({ fault }) => fault.name)).size).toBe(faults.length)
})

it(`row 50: the random campaign, ${minutes} minutes, keeps every promise (again: pnpm faults --minutes ${minutes} --seed ${seed})`, async () => {
  const timeline: string[] = []
  const result = await runCampaign({
    seed,
    lengthMs: minutes * 60_000,
    say: (line) => void timeline.push(line),
  })
  console.log([`campaign with seed ${seed}`, ...timeline, reportOf(result)].join('\n'))
  expect(result.broken).toEqual([])
  expect(result.sent).toBeGreaterThan(100)
  // Nearly all do. A harness whose faults no longer break anything would keep every promise, too.
  expect(result.bit).toBeGreaterThan(result.strikes / 2)
}, 600_000)
