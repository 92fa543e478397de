/*
 * The random campaign by hand: `npx -y pnpm@12 faults --minutes 30 --seed 7`. Breaks everything at random while jobs
 * flow, and counts what was lost. A seed repeats its schedule of faults. `--soak` breaks nothing.
 */
import { parseArgs } from 'node:util'
import { reportOf } from './report.ts'
import { runCampaign } from './run-campaign.ts'
import { runSoak } from './run-soak.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    seed: { type: 'string' },
    soak: { type: 'boolean', default: false },
  },
})
const minutes = Number(values.minutes)
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('expected --minutes as a number above 0, and --seed as a whole number')
  process.exit(2)
}
const say = (line: string) => console.log(line)
const lengthMs = minutes * 60_000
say(`${values.soak ? 'soak' : 'campaign'} of ${minutes} minutes, seed ${seed}`)
const result = values.soak
  ? await runSoak({ seed, lengthMs, say })
  : await runCampaign({ seed, lengthMs, say })
say(reportOf(result))
process.exitCode = result.broken.length === 0 ? 0 : 1
