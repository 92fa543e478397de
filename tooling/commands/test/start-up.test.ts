import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { bin } from '../harness/aimq.ts'

/** The best of several, which is what is left when nobody else uses the machine. */
function bestMs(args: readonly string[]): number {
  const times = Array.from({ length: 12 }, () => {
    const begun = performance.now()
    expect(spawnSync(process.execPath, args).status).toBe(0)
    return performance.now() - begun
  })
  return Math.min(...times)
}

test('--help is there within 150 ms of the time that Node itself takes: commands are loaded when they run', () => {
  const bare = bestMs(['-e', '0'])
  const help = bestMs(['--conditions=@aimq/source', bin, '--help'])
  console.log(`node: ${bare.toFixed(0)} ms, aimq --help: ${help.toFixed(0)} ms`)
  expect(help - bare).toBeLessThan(150)
})
