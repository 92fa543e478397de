import { defineConfig } from 'vitest/config'

const conditions = ['@aimq/source']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  // Real servers: ten starters at once on a small machine take their time.
  test: { name: 'embedded', include: ['test/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
})
