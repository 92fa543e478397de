import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { bin } from '../harness/aimq.ts'

/** Runs Node with a line of program before everything else, which writes to stderr at the end. */
function run(before: string, args: readonly string[]): string {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(before)}`, ...args],
    { encoding: 'utf8' },
  )
  expect(status).toBe(0)
  return stderr
}

const help = ['--conditions=@aimq/source', bin, '--help']

test('--help loads the parser and nothing else: commands, and what they need, are loaded when they run', () => {
  const tellFiles = `
    import { registerHooks } from 'node:module'
    const files = []
    registerHooks({ load: (url, context, next) => (files.push(url), next(url, context)) })
    process.on('exit', () => process.stderr.write(JSON.stringify(files)))`
  const files = (JSON.parse(run(tellFiles, help)) as string[]).filter((url) => url.startsWith('file:'))
  const libraries = files.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? [])
  expect([...new Set(libraries)]).toEqual(['commander'])
  // Its descriptions, in as few files as the bundler makes of them.
  expect(files.filter((url) => url.includes('/packages/')).length).toBeLessThan(20)
})

/** The best of several, in processor time: what it takes when nobody else uses the machine. */
function bestMs(args: readonly string[]): number {
  const tellCpu = `process.on('exit', () => {
    const { user, system } = process.cpuUsage()
    process.stderr.write(String((user + system) / 1000))
  })`
  return Math.min(...Array.from({ length: 8 }, () => Number(run(tellCpu, args))))
}

test('--help takes at most five times what Node takes by itself, on whatever machine', () => {
  const bare = bestMs(['-e', '0'])
  const ours = bestMs(help)
  console.log(`node: ${bare.toFixed(0)} ms, aimq --help: ${ours.toFixed(0)} ms`)
  expect(bare).toBeGreaterThan(0)
  expect(ours).toBeLessThan(5 * bare)
})
