import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { renderContract } from './contract.ts'
import { workspace } from './pages.ts'

await writeFile(
  join(workspace, 'docs/contract.md'),
  await renderContract(join(workspace, 'packages/events/src/contract')),
)
