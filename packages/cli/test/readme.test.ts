import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { commands } from '../src/commands.ts'
import { exitCode } from '../src/exit-code.ts'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const specs = commands.flatMap((group) => group.commands)

test.each(specs.map(({ name }) => name))('%s is in the table of commands', (name) => {
  expect(readme).toMatch(new RegExp(`^\\| .*\`${name}( [^\`]*)?\``, 'm'))
})

test.each(Object.entries(exitCode))('the exit code of %s is in the table', (_name, code) => {
  expect(readme).toMatch(new RegExp(`^\\| (130, )?${code}(, 143)? \\|`, 'm'))
})
