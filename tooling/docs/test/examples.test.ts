import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { commandFaults } from '../check-commands.ts'
import { sessionCommands, textFaults } from '../check-text.ts'
import { typeFaults } from '../check-types.ts'
import { languages } from '../languages.ts'
import { type Block, placeOf, readDocComments, readPages } from '../pages.ts'

const blocks = (await readPages()).flatMap((page) => page.blocks)
const of = (language: string): Block[] => blocks.filter((block) => block.language === language)

it('every block is in a language that is checked', () => {
  const unknown = blocks.filter(({ language }) => !Object.hasOwn(languages, language))
  expect(unknown.map((block) => `${placeOf(block)}: "${block.language}"`)).toEqual([])
})

it('every ts block type-checks', async () => {
  expect(await typeFaults(of('ts'))).toEqual([])
})

it('every example in a doc comment type-checks', async () => {
  const examples = await readDocComments()
  expect(examples.length).toBeGreaterThan(5)
  expect(await typeFaults(examples)).toEqual([])
})

it('every js block type-checks', async () => {
  expect(of('js').length).toBeGreaterThan(0)
  expect(await typeFaults(of('js'))).toEqual([])
})

it('every json block parses', () => {
  for (const block of of('json')) expect(() => JSON.parse(block.text), placeOf(block)).not.toThrow()
})

it('every yaml block parses', () => {
  const faults = of('yaml').flatMap((block) =>
    parseAllDocuments(block.text).flatMap((document) =>
      'errors' in document ? document.errors.map(({ message }) => `${placeOf(block)}: ${message}`) : [],
    ),
  )
  expect(faults).toEqual([])
})

it('every sh block names commands, scripts, flags and files that there are', () => {
  expect(of('sh').flatMap(commandFaults)).toEqual([])
})

it('every text block is what the block before it prints, or is known to be only shown', () => {
  expect(textFaults(blocks)).toEqual([])
})

it('every command of a session that is only shown exists', () => {
  const commands = sessionCommands(blocks)
  expect(commands.length).toBeGreaterThan(2)
  expect(commands.flatMap(commandFaults)).toEqual([])
})

describe('the checks see what is wrong', () => {
  const block = (language: string, text: string): Block => ({ page: 'docs/page.md', line: 3, language, text })

  it('a type error, at its line of the page', async () => {
    const faults = await typeFaults([
      block('ts', "import { queue } from '@aimq/queue'\n\nqueue({ size: 1 })\n"),
    ])
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(/^docs\/page\.md:6: TS2353/)
  })

  it('a name that plain JavaScript does not know, at its line of the page', async () => {
    const faults = await typeFaults([block('js', "import { queu } from '@aimq/queue'\n\nqueu({})\n")])
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(/^docs\/page\.md:4: TS2724/)
  })

  it('a text block that no block prints', () => {
    const text = block('text', 'dear ada\n')
    expect(textFaults([block('ts', ''), text])).toEqual([])
    expect(textFaults([block('sql', ''), text])).toEqual(['docs/page.md:3: no block before it prints it'])
  })

  it.each([
    ['npx -y pnpm@12 strat', 'package.json has no script strat'],
    ['npx -y pnpm@12 start --drian', 'the worker has no flag --drian'],
    ['AIMQ_HANDLER=x npx -y pnpm@12 start', 'no setting of the worker is called AIMQ_HANDLER'],
    ['npm install @aimq/quue', 'there is no package @aimq/quue to install'],
    ['docker build -f Dockerfil .', 'there is no file Dockerfil'],
    ['node examples/none.ts', 'there is no file examples/none.ts'],
    ['aimqq start', 'nobody knows the program aimqq'],
    ['npx aimq creat emails', 'there is no command aimq creat emails'],
    ['npx aimq dlq redrve emails', 'there is no command aimq dlq redrve emails'],
    ['npx aimq create emails --partition', 'aimq create has no flag --partition'],
  ])('%s', (text, fault) => {
    expect(commandFaults(block('sh', `${text}\n`))).toEqual([`docs/page.md:4: ${fault}: ${text}`])
  })
})
