import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import GithubSlugger from 'github-slugger'
import { marked, type Token, type Tokens } from 'marked'

export const workspace: string = join(import.meta.dirname, '../..')

/** A fenced block, and where it is. */
export interface Block {
  readonly page: string
  /** 1 is the first line of the page. */
  readonly line: number
  readonly language: string
  readonly text: string
}

export interface Link {
  readonly line: number
  readonly target: string
}

export interface Page {
  /** Relative to the workspace. */
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
  readonly links: readonly Link[]
  /** What a link with `#` can lead to. */
  readonly anchors: ReadonlySet<string>
}

/** Every Markdown page that belongs to the repository, also one that is not committed yet. */
export async function readPages(): Promise<Page[]> {
  const paths = (await filesOf('*.md')).filter((path) => !path.startsWith('.changeset/'))
  const pages = await Promise.all(paths.map(async (path) => parsePage(path, await textOf(path))))
  return pages.filter(({ text }) => text !== '')
}

/** Fenced blocks of TypeScript in doc comments, which editors show to whoever uses what stands below them. */
export async function readDocComments(): Promise<Block[]> {
  const paths = await filesOf('packages/*/src/*.ts')
  const found = await Promise.all(
    paths.map(async (page) => {
      const text = await textOf(page)
      return [...text.matchAll(/^ *\* ```ts\n((?: *\*.*\n)*?) *\* ```$/gm)].map(
        ({ 1: code = '', index }) => ({
          page,
          line: text.slice(0, index).split('\n').length,
          language: 'ts',
          text: code.replaceAll(/^ *\* ?/gm, ''),
        }),
      )
    }),
  )
  return found.flat()
}

async function filesOf(pattern: string): Promise<string[]> {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', pattern]
  const { stdout } = await promisify(execFile)('git', args, { cwd: workspace })
  return stdout.split('\n').filter(Boolean).sort()
}

/** Empty for a file that was deleted and not committed yet. */
function textOf(path: string): Promise<string> {
  return readFile(join(workspace, path), 'utf8').catch(() => '')
}

export function parsePage(path: string, text: string): Page {
  const slugger = new GithubSlugger()
  const blocks: Block[] = []
  const links: Link[] = []
  const anchors = new Set<string>()
  // Tokens follow each other in the text, so each is looked for behind the start of the one before.
  let from = 0
  const lineOf = (token: Token): number => {
    const at = text.indexOf(token.raw.trimEnd(), from)
    if (at >= 0) from = at
    return text.slice(0, from).split('\n').length
  }
  marked.walkTokens(marked.lexer(text), (token) => {
    if (token.type === 'code' && token.raw.startsWith('```')) {
      const { lang = '', text: code } = token as Tokens.Code
      blocks.push({ page: path, line: lineOf(token), language: lang, text: `${code}\n` })
    }
    if (token.type === 'link' || token.type === 'image')
      links.push({ line: lineOf(token), target: (token as Tokens.Link).href })
    if (token.type === 'heading') anchors.add(slugger.slug(plain((token as Tokens.Heading).tokens)))
  })
  return { path, text, blocks, links, anchors }
}

function plain(tokens: readonly Token[]): string {
  return tokens
    .map((token) => ('tokens' in token && token.tokens ? plain(token.tokens) : plainText(token)))
    .join('')
}

function plainText(token: Token): string {
  return (token as Tokens.Text).text ?? token.raw
}

/** For messages, as editors open them. */
export function placeOf({ page, line }: Pick<Block, 'page' | 'line'>): string {
  return `${page}:${line}`
}
