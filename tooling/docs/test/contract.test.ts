import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { renderContract } from '../contract.ts'
import { workspace } from '../pages.ts'

it('docs/contract.md is what the types say (npx -y pnpm@12 docs:contract writes it)', async () => {
  const written = await readFile(join(workspace, 'docs/contract.md'), 'utf8')
  expect(written).toBe(await renderContract(join(workspace, 'packages/events/src/contract')))
})

it('a name of the contract stands on the page with its fields and its comment', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aimq-contract-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(
    join(folder, 'queue.ts'),
    `export interface QueueFacts {
  /**
   * Cut, and
   * folded | once.
   */
  'queue:folded': { readonly queue: string; readonly times?: number }
}
export interface QueueRequests {
  'queue:fold': { input: FoldInput; output: Record<never, never> }
}
`,
  )
  const page = await renderContract(folder)
  expect(page).toContain('| `queue:folded` | `queue` `times?` | Cut, and folded \\| once. |')
  expect(page).toContain('| `queue:fold` | `FoldInput` | nothing |  |')
})

it('an owner that the page does not know is told, not left out', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aimq-contract-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'billing.ts'), 'export interface BillingFacts {}\n')
  await expect(renderContract(folder)).rejects.toThrow('billing')
})
