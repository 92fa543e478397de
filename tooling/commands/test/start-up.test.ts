import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { bin } from '../harness/aimq.ts'

const program = `process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  process.stderr.write(String((user + system) / 1000))
})`
const tellCpu = `data:text/javascript,${encodeURIComponent(program)}`

/** The best of several, in processor time: what it takes when nobody else uses the machine. */
function bestMs(args: readonly string[]): number {
  const times = Array.from({ length: 8 }, () => {
    const { status, stderr } = spawnSync(process.execPath, ['--import', tellCpu, ...args], {
      encoding: 'utf8',
    })
    expect(status).toBe(0)
    return Number(stderr)
  })
  return Math.min(...times)
}

test('--help takes at most 150 ms: commands are loaded when they run', () => {
  const bare = bestMs(['-e', '0'])
  const help = bestMs(['--conditions=@aimq/source', bin, '--help'])
  console.log(`node: ${bare.toFixed(0)} ms, aimq --help: ${help.toFixed(0)} ms`)
  expect(bare).toBeGreaterThan(0)
  expect(help).toBeLessThan(150)
})
