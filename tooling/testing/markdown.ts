/** The text of the first block of the given language. */
export function block(markdown: string, language: string): string {
  const first = blocks(markdown, language)[0]
  if (first === undefined) throw new Error(`expected a block of ${language}`)
  return first
}

/** The texts of all blocks of the given language, in order. */
export function blocks(markdown: string, language: string): string[] {
  const pattern = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g')
  return [...markdown.matchAll(pattern)].map(([, text = '']) => text)
}

/** What stands below the heading `## <title>`, until the next of its level. */
export function section(markdown: string, title: string): string {
  const [, text] = markdown.split(new RegExp(`^## ${title}$`, 'm'))
  if (text === undefined) throw new Error(`expected a heading «## ${title}»`)
  return text.split(/^## /m)[0] ?? ''
}
