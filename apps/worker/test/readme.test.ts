import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { exitCode } from '../src/exit-code.ts'
import { helpText } from '../src/flags.ts'
import { settingNames, settings } from '../src/settings.ts'

// Without the blanks that line up the columns of tables.
const readme = (await readFile(new URL('../README.md', import.meta.url), 'utf8')).replaceAll(/ +\|/g, ' |')

test.each(settingNames)('%s is in the README and in the help, as flag and as variable', (name) => {
  const { flag, variable } = settings[name]
  expect(readme).toContain(`| \`${flag}\` | \`${variable}\` |`)
  expect(helpText()).toContain(flag)
  expect(helpText().replaceAll(/\s+/g, ' ')).toContain(`[${variable}]`)
})

test.each(Object.entries(exitCode))('the exit code of %s is in the README', (_name, code) => {
  expect(readme).toMatch(new RegExp(`^\\| (130, )?${code}(, 143)? \\|`, 'm'))
})
