import { readFile } from 'node:fs/promises'
import { exitCode, helpText } from '@aimq/cli/start'
import { expect, test } from 'vitest'
import { settings } from '../src/settings.ts'
import { worker } from '../src/worker.ts'

// Without the blanks that line up the columns of tables.
const readme = (await readFile(new URL('../README.md', import.meta.url), 'utf8')).replaceAll(/ +\|/g, ' |')

test.each(Object.values(settings))(
  '$flag is in the README and in the help, as flag and as variable',
  ({ flag, variable }) => {
    expect(readme).toContain(`| \`${flag}\` | \`${variable}\` |`)
    expect(helpText(worker)).toContain(flag)
    expect(helpText(worker).replaceAll(/\s+/g, ' ')).toContain(`[${variable}]`)
  },
)

test.each(Object.entries(exitCode))('the exit code of %s is in the README', (_name, code) => {
  expect(readme).toMatch(new RegExp(`^\\| (130, )?${code}(, 143)? \\|`, 'm'))
})
