import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findViolations } from '../find-violations.ts'

const workspace = join(import.meta.dirname, '../../..')

/** A folder of packages as given: path → text. */
async function packages(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aimq-boundaries-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  return folder
}

const manifest = (more: object = {}) =>
  JSON.stringify({ name: '@aimq/worker', peerDependencies: { '@aimq/events': 'workspace:^' }, ...more })

describe('the import rule', () => {
  it('holds in this workspace', async () => {
    expect(await findViolations(join(workspace, 'packages'))).toEqual([])
  })

  it('allows the contract, libraries, own files and own name', async () => {
    const folder = await packages({
      'worker/package.json': manifest(),
      'worker/src/index.ts': `
        import { createBus } from '@aimq/events'
        import { recordFacts } from '@aimq/events/testing'
        import * as v from 'valibot'
        import './worker.ts'
        // import { queue } from '@aimq/queue'
        /** import { queue } from '@aimq/queue' */
      `,
      'worker/test/index.test.ts': `import { worker } from '@aimq/worker'\nimport '../src/index.ts'`,
    })
    expect(await findViolations(folder)).toEqual([])
  })

  it.each([
    ['an import', `import { queue } from '@aimq/queue'`],
    ['a type import', `import type { QueueClient } from "@aimq/queue"`],
    ['a side-effect import', `import '@aimq/queue'`],
    ['a re-export', `export * from '@aimq/queue/kysely'`],
    ['a dynamic import', `const q = await import('@aimq/queue')`],
    ['a type query', `type Client = import('@aimq/queue').QueueClient`],
    ['a require', `const q = require('@aimq/queue')`],
    ['a mock', `vi.mock('@aimq/queue')`],
    ['an import over several lines', `import {\n  queue,\n} from '@aimq/queue'`],
    ['a way out by path', `import { queue } from '../../queue/src/index.ts'`],
  ])('is broken by %s, in source and in tests', async (_what, code) => {
    for (const part of ['src', 'test']) {
      const folder = await packages({ 'worker/package.json': manifest(), [`worker/${part}/deep.ts`]: code })
      expect(await findViolations(folder)).toHaveLength(1)
    }
  })

  it.each(['dependencies', 'devDependencies', 'optionalDependencies'])(
    'is broken by %s in package.json',
    async (field) => {
      const folder = await packages({
        'worker/package.json': manifest({ [field]: { '@aimq/queue': 'workspace:*' } }),
      })
      expect(await findViolations(folder)).toEqual([expect.stringContaining(`names @aimq/queue in ${field}`)])
    },
  )

  it('lets the command line bring the steps along as optional dependencies, and nobody else', async () => {
    const optionalDependencies = { '@aimq/queue': 'workspace:^', '@aimq/worker': 'workspace:^' }
    const cli = { name: '@aimq/cli', optionalDependencies }
    expect(await findViolations(await packages({ 'cli/package.json': manifest(cli) }))).toEqual([])
    const other = await packages({ 'worker/package.json': manifest({ optionalDependencies }) })
    expect(await findViolations(other)).toHaveLength(2)
  })

  it.each(['dependencies', 'devDependencies', 'peerDependencies'])(
    'does not let the command line name a step in %s',
    async (field) => {
      const named = { '@aimq/events': 'workspace:^', '@aimq/queue': 'workspace:^' }
      const folder = await packages({ 'cli/package.json': manifest({ name: '@aimq/cli', [field]: named }) })
      expect(await findViolations(folder)).toEqual([expect.stringContaining(`names @aimq/queue in ${field}`)])
    },
  )

  it.each([
    ['a static import', `import { queue } from '@aimq/queue'`],
    ['a type import', `import type { QueueClient } from '@aimq/queue'`],
    ['a dynamic import of one it knows', `const { queue } = await import('@aimq/queue')`],
  ])('is broken by %s in the command line, which is to find the steps at run time', async (_what, code) => {
    const folder = await packages({
      'cli/package.json': manifest({
        name: '@aimq/cli',
        optionalDependencies: { '@aimq/queue': 'workspace:^' },
      }),
      'cli/src/run.ts': code,
    })
    expect(await findViolations(folder)).toEqual([expect.stringContaining('imports @aimq/queue')])
  })

  it('wants the contract as a peer, so that there is one copy of it', async () => {
    const folder = await packages({ 'worker/package.json': manifest({ peerDependencies: {} }) })
    expect(await findViolations(folder)).toEqual([expect.stringContaining('peerDependencies')])
  })
})
