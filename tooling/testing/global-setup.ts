import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '@aimq/embedded'
import type { TestProject } from 'vitest/node'
import { installDebianPackages } from './debian-packages.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser URL of a PostgreSQL whose `template1` has pgmq: test files make databases of their own. */
    databaseUrl: string
  }
}

/** Starts one throw-away PostgreSQL for the whole test run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await installDebianPackages()
  const dataDir = await mkdtemp(join(tmpdir(), 'aimq-test-'))
  // Without fsync, because what a crash of the machine would lose is of no use after it.
  const server = await startEmbedded({
    dataDir,
    temporary: true,
    settings: { fsync: 'off' },
  })
  project.provide('databaseUrl', server.connectionString)
  return async () => {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
