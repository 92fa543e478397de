import { expect, test } from 'vitest'
import { commands } from '../src/commands.ts'
import { buildProgram } from '../src/program.ts'
import { credentialFault, usageFault } from '../src/usage-fault.ts'

const specs = commands.flatMap((group) => group.commands)
const faultOf = async (...args: string[]): Promise<string> => {
  try {
    await buildProgram(commands, 'aimq', async () => {}).parseAsync(args, { from: 'user' })
    return ''
  } catch (thrown) {
    return usageFault(thrown, args, 'aimq')?.text ?? String(thrown)
  }
}

test.each(specs.map((spec) => [spec.name, spec] as const))(
  '%s: its examples can be typed',
  async (_name, spec) => {
    expect(spec.examples.length).toBeGreaterThan(0)
    for (const [line] of spec.examples) {
      expect(line.startsWith(spec.name)).toBe(true)
      // As a shell splits it, as far as the examples go.
      const words = [...line.replace(/ < .*/, '').matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)]
      expect(await faultOf(...words.map(([, a, b, c]) => a ?? b ?? c ?? ''))).toBe('')
    }
  },
)

test.each(specs.map((spec) => [spec.name, spec] as const))('%s: its module runs', async (_name, spec) => {
  expect(await spec.load()).toHaveProperty('run', expect.any(Function))
})

test.each([
  [['lst'], `unknown command 'lst'; did you mean "list"?`],
  [['list', '--jsn'], 'unknown option --jsn; did you mean "--json"?'],
  [['dlq', 'shw'], `unknown command 'shw'; did you mean "show"?`],
  [['dlq'], 'expected a command after "dlq"'],
  [['send'], "missing required argument 'queue'"],
  [['peek', 'emails', '--limit', 'x'], 'expected a whole number from 1 to 10000'],
  [['peek', 'emails', '--limit'], "option '-n, --limit <n>' argument missing"],
  [['send', 'emails', '{"a":', '1}'], 'put what has blanks in it between quotes'],
])('%j: what is wrong, and where to look', async (args, text) => {
  const fault = await faultOf(...args)
  expect(fault).toContain(text)
  expect(fault).toMatch(/\nTry: aimq .*--help$/)
})

test('what is unknown is not asked for its help', async () => {
  expect(await faultOf('lst')).toMatch(/\nTry: aimq --help$/)
  expect(await faultOf('dlq', 'shw')).toMatch(/\nTry: aimq dlq --help$/)
})

test.each([['--password=hunter2'], ['--url=hunter2'], ['--database-url', 'hunter2'], ['--token=hunter2']])(
  '%s: secrets are never arguments, and not repeated',
  async (...args) => {
    const fault = await faultOf('list', ...args)
    expect(fault).toContain('secrets are never arguments')
    expect(fault).not.toContain('hunter2')
  },
)

test('a connection string among the arguments is refused whatever else they say', () => {
  for (const args of [
    ['list', 'postgres://u:p@h/db'],
    ['--url=postgresql://u:p@h/db'],
    ['send', 'q', 'postgres://h'],
  ]) {
    const fault = credentialFault(args, 'aimq')
    expect(fault).toContain('DATABASE_URL')
    expect(fault).not.toContain('u:p')
  }
  expect(credentialFault(['send', 'q', '{"url":"postgres://u:p@h/db"}'], 'aimq')).toBeUndefined()
})
