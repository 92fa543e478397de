import { exec } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { readExamples } from '../../testing/examples.ts'
import { blocks } from '../../testing/markdown.ts'

it.each(readExamples())(
  '$name runs by the command of its README, and prints what it says',
  async (example) => {
    const command = blocks(example.readme, 'sh').find((text) => text.startsWith('npx '))
    expect(command).toBe(`npx -y pnpm@12 example ${example.name}\n`)
    const { stdout } = await promisify(exec)(String(command), { cwd: join(example.folder, '../..') })
    // Before it, pnpm may say that it installs.
    expect(stdout.slice(-example.prints.length)).toBe(example.prints)
  },
)
