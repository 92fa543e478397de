import { block } from '../../testing/markdown.ts'

/** What the `npm install …` lines of the first `sh` block install. */
export function installedBy(markdown: string): string[] {
  const lines = block(markdown, 'sh').trim().split('\n')
  const words = lines.flatMap((line) => {
    const [, found] = /^npm install ([^#]+)/.exec(line) ?? []
    if (!found) throw new Error(`expected «npm install …», found: ${line}`)
    return found.trim().split(/\s+/)
  })
  return words.filter((word) => !word.startsWith('--'))
}
