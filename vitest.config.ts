import { defineConfig } from 'vitest/config'

// Packages are tested from their sources; nothing has to be built first.
const source = {
  resolve: { conditions: ['@aimq/source'] },
  ssr: { resolve: { conditions: ['@aimq/source'] } },
}
const project = (name: string, folder: string) => ({
  ...source,
  test: {
    name,
    root: folder,
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    execArgv: ['--conditions=@aimq/source'],
  },
})

export default defineConfig({
  test: {
    // One PostgreSQL for the whole run, started here so that no test ever skips for want of one.
    globalSetup: ['./tooling/testing/global-setup.ts'],
    reporters: ['default', './tooling/testing/plain-totals.ts'],
    pool: 'forks',
    projects: [
      project('events', 'packages/events'),
      project('queue', 'packages/queue'),
      project('worker', 'packages/worker'),
      project('embedded', 'packages/embedded'),
      project('app', 'apps/worker'),
      project('boundaries', 'tooling/boundaries'),
      project('integration', 'tooling/integration'),
    ],
  },
})
