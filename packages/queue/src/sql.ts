import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** A statement ready to run: values are bound by name, in the order of `parameters`. */
export interface Statement {
  readonly name: string
  /** Put together each time: whoever needs it often keeps it. */
  readonly text: string
  readonly parameters: readonly string[]
}

export interface Rendering {
  /** `:"name"` → the table it stands for. Only names that went through `assertQueueName` come here. */
  readonly tables?: Readonly<Record<string, string>>
  /** What holds: a line marked `--? flag` stays only then, one marked `--? !flag` only otherwise. */
  readonly flags?: readonly string[]
}

/** Statements kept before starting over; a process with very many queues must not grow for ever. */
const cacheLimit = 10_000

// One folder deep, so that the same relative path serves src/ and dist/.
const folder = new URL('../sql/', import.meta.url)
const sources = new Map<string, string>()
const templates = new Map<string, Template>()
const statements = new Map<string, Statement>()

/** The statement in `sql/queries/<name>.sql`. Read when first used, never at import. */
export function statement(name: string, rendering: Rendering = {}): Statement {
  const tables = rendering.tables ?? {}
  const flags = rendering.flags ?? []
  let chosen = name
  for (const flag of flags) chosen += ` ?${flag}`
  let key = chosen
  for (const table in tables) key += ` ${tables[table]}`
  const known = statements.get(key)
  if (known !== undefined) return known
  const template = templates.get(chosen) ?? parse(name, source(`queries/${name}.sql`), new Set(flags))
  templates.set(chosen, template)
  const made = new TableStatement(template, tables)
  if (statements.size >= cacheLimit) statements.clear()
  statements.set(key, made)
  return made
}

/** A migration as it stands in `sql/migrations`, without its comments, and what it must still be later. */
export function migration(name: string): { text: string; checksum: string } {
  const text = source(`migrations/${name}.sql`)
  return { text: withoutComments(text), checksum: createHash('sha256').update(text).digest('hex') }
}

function source(path: string): string {
  const known = sources.get(path)
  if (known !== undefined) return known
  const text = readFileSync(new URL(path, folder), 'utf8')
  sources.set(path, text)
  return text
}

/** What the statements of one query have in common, whatever tables they are for. */
interface Template {
  readonly name: string
  /** The text around the tables: one more than there are tables. */
  readonly parts: readonly string[]
  /** By the names that `:"name"` gives them. */
  readonly tables: readonly string[]
  readonly parameters: readonly string[]
}

function parse(name: string, query: string, flags: ReadonlySet<string>): Template {
  const parameters: string[] = []
  const text = withoutComments(chosenLines(query, flags))
    // Always text, cast in the statement: the one type that every driver binds alike.
    .replaceAll(/:'(\w+)'/g, (_, parameter: string) => {
      const index = parameters.includes(parameter)
        ? parameters.indexOf(parameter)
        : parameters.push(parameter) - 1
      return `$${index + 1}::text`
    })
  // Split by what is in brackets, every second piece is what stood there.
  const pieces = text.split(/:"(\w+)"/)
  return {
    name,
    parts: pieces.filter((_, index) => index % 2 === 0),
    tables: pieces.filter((_, index) => index % 2 === 1),
    parameters,
  }
}

/** Only its tables are its own: texts would be five megabytes in a worker of a thousand queues. */
class TableStatement implements Statement {
  readonly #template: Template
  readonly #tables: readonly string[]

  constructor(template: Template, tables: Readonly<Record<string, string>>) {
    this.#template = template
    this.#tables = template.tables.map((table) => {
      const target = tables[table]
      if (target === undefined)
        throw new Error(`sql/queries/${template.name}.sql: no table given for :"${table}"`)
      return target
    })
  }

  get name(): string {
    return this.#template.name
  }

  get parameters(): readonly string[] {
    return this.#template.parameters
  }

  get text(): string {
    return this.#template.parts.reduce((text, part, index) => `${text}"${this.#tables[index - 1]}"${part}`)
  }
}

function chosenLines(template: string, flags: ReadonlySet<string>): string {
  const holds = (condition: string) =>
    condition
      .trim()
      .split(/\s+/)
      .every((flag) => (flag.startsWith('!') ? !flags.has(flag.slice(1)) : flags.has(flag)))
  const open: boolean[] = []
  const lines: string[] = []
  for (const line of template.split('\n')) {
    const [code = '', condition] = line.split('--?')
    if (condition?.trim() === 'end') open.pop()
    else if (condition?.trim().startsWith('if ')) open.push(holds(condition.trim().slice(3)))
    else if (open.every(Boolean) && (condition === undefined || holds(condition))) lines.push(code)
  }
  return lines.join('\n')
}

function withoutComments(text: string): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('--'))
    .map((line) => line.trimEnd())
    .join('\n')
}
