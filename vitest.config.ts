import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const packages = join(import.meta.dirname, 'packages')

// Packages are tested from their sources; nothing has to be built first.
const source = {
  resolve: {
    alias: [
      { find: /^@aimq\/(\w+)$/, replacement: `${packages}/$1/src/index.ts` },
      { find: /^@aimq\/(\w+)\/([\w-]+)$/, replacement: `${packages}/$1/src/$2.ts` },
    ],
  },
}

const project = (name: string, folder: string, globalSetup: string[] = []) => ({
  ...source,
  test: {
    name,
    root: join(import.meta.dirname, folder),
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What is polled for comes when it comes; only tests that say so set a limit of their own.
    expect: { poll: { timeout: 10_000 } },
    // For what a test starts with `process.execPath`, and what Node itself resolves.
    execArgv: ['--conditions=@aimq/source'],
    globalSetup,
  },
})

/** What breaks things on purpose is in nobody's way, and what measures time has the machine to itself. */
const afterAllOthers = (one: ReturnType<typeof project>) => ({
  ...one,
  // Most of its time it waits for what has been broken to be whole again.
  test: { ...one.test, sequence: { groupOrder: 1 }, maxWorkers: 3 },
})

export default defineConfig({
  ...source,
  test: {
    // One PostgreSQL for the whole run, started here so that no test ever skips for want of one.
    globalSetup: ['./tooling/testing/global-setup.ts'],
    reporters: ['default', './tooling/testing/plain-totals.ts'],
    pool: 'forks',
    projects: [
      project('events', 'packages/events'),
      project('queue', 'packages/queue'),
      project('worker', 'packages/worker'),
      project('realtime', 'packages/realtime'),
      project('triggers', 'packages/triggers'),
      project('embedded', 'packages/embedded'),
      project('app', 'apps/worker'),
      project('boundaries', 'tooling/boundaries'),
      project('integration', 'tooling/integration'),
      afterAllOthers(project('faults', 'tooling/faults')),
      project('docs', 'tooling/docs'),
      project('bench', 'tooling/bench'),
      project('cli', 'packages/cli'),
      // Child processes of the built program, on a real database.
      project('commands', 'tooling/commands', ['./build-aimq.ts']),
    ],
  },
})
