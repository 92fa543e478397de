import { type Block, placeOf } from './pages.ts'

/** Pages that show sessions of several processes, whose times and ports differ each time. */
const shown = ['packages/cli/README.md']

/** Text blocks that nobody compares with anything. */
export function textFaults(blocks: readonly Block[]): string[] {
  return blocks.flatMap((block, index) => {
    const before = blocks[index - 1]
    const printed = before?.page === block.page && before.language === 'ts'
    // Examples are run by the command of their READMEs, and what they print is compared.
    const checked = printed || block.page.startsWith('examples/') || isSession(block)
    return block.language === 'text' && !checked ? [`${placeOf(block)}: no block before it prints it`] : []
  })
}

/** What somebody types in the sessions, as blocks of `sh`. */
export function sessionCommands(blocks: readonly Block[]): Block[] {
  return blocks.filter(isSession).map((block) => ({
    ...block,
    language: 'sh',
    // Line for line, so that a fault is found at its place.
    text: block.text.replaceAll(/^(?:\$ (.*)|.*)$/gm, (_line, command?: string) => command ?? ''),
  }))
}

function isSession({ page, language, text }: Block): boolean {
  return language === 'text' && shown.includes(page) && text.startsWith('$ ')
}
