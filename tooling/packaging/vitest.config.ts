import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Apart from the other tests, because these need built packages, and a registry to install what those depend on. */
export default defineConfig({
  test: {
    name: 'packaging',
    root: import.meta.dirname,
    include: ['test/**/*.test.ts'],
    // One PostgreSQL for the whole run, as in the other tests.
    globalSetup: [
      join(import.meta.dirname, 'global-setup.ts'),
      join(import.meta.dirname, '../testing/global-setup.ts'),
    ],
    reporters: ['default', join(import.meta.dirname, '../testing/plain-totals.ts')],
    pool: 'forks',
    // npm waits more than it works.
    maxConcurrency: 3,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
})
