import { block } from '../../testing/markdown.ts'

/** The words after each `npm install` in the first `sh` block. */
export function installCommands(markdown: string): string[][] {
  const lines = block(markdown, 'sh').trim().split('\n')
  return lines.map((line) => {
    const [, words] = /^npm install ([^#]+)/.exec(line) ?? []
    if (!words) throw new Error(`expected «npm install …», found: ${line}`)
    return words.trim().split(/\s+/)
  })
}
