import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { block } from './markdown.ts'

const examplesFolder = join(import.meta.dirname, '../../examples')

/** A folder of `examples/`. */
export interface Example {
  readonly name: string
  readonly folder: string
  /** The file that is run. */
  readonly main: string
  readonly readme: string
  /** What its README says it prints. */
  readonly prints: string
  /** What others did to the database before it runs; empty when nothing. */
  readonly before: string
}

export function readExamples(): Example[] {
  // Not what tools leave behind.
  const isExample = (name: string) => !/^(\.|node_modules$)/.test(name)
  const entries = readdirSync(examplesFolder, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory() && isExample(entry.name))
    .map(({ name }) => {
      const folder = join(examplesFolder, name)
      const readme = readFileSync(join(folder, 'README.md'), 'utf8')
      const main = existsSync(join(folder, 'main.ts')) ? 'main.ts' : 'main.js'
      const before = join(folder, 'before.sql')
      return {
        name,
        folder,
        main,
        readme,
        prints: block(readme, 'text'),
        before: existsSync(before) ? readFileSync(before, 'utf8') : '',
      }
    })
}
