import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Comment, parseSync, type TSPropertySignature, type TSType } from 'oxc-parser'

/** The order in which a reader meets them: the hint that all understand, the steps, and what their types are made of. */
const order = ['job', 'bus', 'queue', 'worker', 'realtime', 'triggers', 'message']

const titles: Readonly<Record<string, string>> = {
  message: 'What travels: messages, leases, headers',
  job: '`job`: the wake-up hint',
  bus: '`bus`: plugins and listeners',
  queue: '`queue`: what `@aimq/queue` says and answers',
  worker: '`worker`: what `@aimq/worker` says and answers',
  realtime: '`realtime`: what `@aimq/realtime` says and answers',
  triggers: '`triggers`: what `@aimq/triggers` says and answers',
}

const introduction = `# The bus contract

Everything that packages say to each other, as the types in
[\`packages/events/src/contract\`](../packages/events/src/contract) have it. This page is generated from them
(\`npx -y pnpm@12 docs:contract\`), and a test fails while it is not up to date.

- A **fact** (\`bus.emit\`, \`bus.on\`) says that something happened. It has any number of listeners, and none of them can hurt
  the emitter.
- A **request** (\`bus.request\`, \`bus.handle\`) has exactly one answerer and a promise back. When nobody answers, the error
  \`events/no-handler\` names the package to install.
- Payloads are plain JSON. Ids are strings, times epoch milliseconds by the database's clock, and durations carry their
  unit in the name.
- Within a major version the contract only grows: new names, new optional fields. Listeners ignore fields they do not
  know. Samples of every published version are kept in [\`packages/events/golden\`](../packages/events/golden), and the tests
  hold today's contract to them.
`

/**
 * The page on the contract, from the types themselves.
 *
 * @param folder where the contract's source files are, one for each owner
 */
export async function renderContract(folder: string): Promise<string> {
  const files = (await readdir(folder)).map((file) => basename(file, '.ts'))
  const unknown = files.filter((owner) => !order.includes(owner))
  if (unknown.length > 0) {
    throw new Error(`expected a title and a place for ${unknown.join(', ')}; add them to contract.ts`)
  }
  const sections = await Promise.all(
    order
      .filter((owner) => files.includes(owner))
      .map(async (owner) => section(owner, await readFile(join(folder, `${owner}.ts`), 'utf8'))),
  )
  return `${introduction}\n${sections.join('\n')}`
}

function section(owner: string, source: string): string {
  const { program, comments, errors } = parseSync(`${owner}.ts`, source)
  if (errors.length > 0) throw new Error(`${owner}.ts: ${errors[0]?.message}`)
  const tables: string[] = []
  for (const statement of program.body) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : null
    if (declaration?.type !== 'TSInterfaceDeclaration') continue
    const kind = /(Facts|Requests)$/.exec(declaration.id.name)?.[1]
    if (kind === undefined) continue
    const members = declaration.body.body.filter((member) => member.type === 'TSPropertySignature')
    tables.push(
      kind === 'Facts' ? factTable(members, comments, source) : requestTable(members, comments, source),
    )
  }
  const parts = [`## ${titles[owner]}`, ...tables, `\`\`\`ts\n${asUsed(source)}\`\`\``]
  return `${parts.join('\n\n')}\n`
}

function factTable(members: readonly TSPropertySignature[], comments: Comment[], source: string): string {
  const rows = members.map((member) => {
    const payload = fieldsOf(member.typeAnnotation?.typeAnnotation, source)
    return `| ${code(nameOf(member))} | ${payload} | ${docOf(member, comments, source)} |`
  })
  return ['| fact | carries | |', '|---|---|---|', ...rows].join('\n')
}

function requestTable(members: readonly TSPropertySignature[], comments: Comment[], source: string): string {
  const rows = members.map((member) => {
    const type = member.typeAnnotation?.typeAnnotation
    const sides = type?.type === 'TSTypeLiteral' ? type.members : []
    const [input, output] = ['input', 'output'].map((side) => {
      const found = sides.find((part) => part.type === 'TSPropertySignature' && nameOf(part) === side)
      return fieldsOf((found as TSPropertySignature | undefined)?.typeAnnotation?.typeAnnotation, source)
    })
    return `| ${code(nameOf(member))} | ${input} | ${output} | ${docOf(member, comments, source)} |`
  })
  return ['| request | asks with | answers with | |', '|---|---|---|---|', ...rows].join('\n')
}

/** The fields of a payload, `?` behind those that may be missing; the name of a type that is written out below. */
function fieldsOf(type: TSType | undefined, source: string): string {
  if (type === undefined) throw new Error('expected every name of the contract to have a type')
  if (type.type === 'TSTypeLiteral') {
    const fields = type.members.filter((member) => member.type === 'TSPropertySignature')
    return fields.map((field) => code(`${nameOf(field)}${field.optional ? '?' : ''}`)).join(' ')
  }
  if (type.type === 'TSIntersectionType') return type.types.map((part) => fieldsOf(part, source)).join(' ')
  const text = source.slice(type.start, type.end)
  return text.startsWith('Record<never') ? 'nothing' : code(text)
}

function nameOf(member: TSPropertySignature): string {
  if (member.key.type === 'Identifier') return member.key.name
  if (member.key.type === 'Literal') return String(member.key.value)
  throw new Error('expected every name of the contract to be written out')
}

/** The comment right above, on one line. */
function docOf(member: TSPropertySignature, comments: Comment[], source: string): string {
  const comment = comments.find(
    ({ end }) => end <= member.start && source.slice(end, member.start).trim() === '',
  )
  if (comment === undefined || !comment.value.startsWith('*')) return ''
  return comment.value
    .slice(1)
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trim())
    .join(' ')
    .replaceAll('|', '\\|')
    .trim()
}

/** The source as a reader would write it: what it imports comes from the package. */
function asUsed(source: string): string {
  return source
    .replaceAll(/from '\.\.?\/[^']+'/g, "from '@aimq/events'")
    .replaceAll(/^export type \{[^}]*\}\n/gm, '')
    .trimEnd()
    .concat('\n')
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``
}
