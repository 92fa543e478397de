import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Block, placeOf, workspace } from './pages.ts'

/** Programs that are not ours: that they exist is taken on trust, what they are told about our files is not. */
const foreign = ['cd', 'curl', 'docker', 'git', 'kubectl', 'npm', 'pip', 'psql', 'supabase']

const { scripts } = JSON.parse(readFileSync(join(workspace, 'package.json'), 'utf8')) as {
  scripts: Readonly<Record<string, string>>
}

/** What `npx -y pnpm@12 start` runs, and the command `aimq`. */
const worker = (scripts.start ?? '').split(' ').slice(1)
const aimq = ['--conditions=@aimq/source', 'packages/cli/src/bin.ts']

/** Variables that the help of the worker does not list, because no flag is their twin. */
const variables = [
  'DATABASE_URL',
  'DIRECT_URL',
  'SUPABASE_URL',
  'SUPABASE_KEY',
  'SUPABASE_REALTIME_TOKEN',
  'WEBHOOK_SECRET',
]

const helps = new Map<string, string>()

/** What a program of ours says of itself: that it is so is tested elsewhere. */
function helpOf(program: readonly string[], words: readonly string[] = []): string {
  const args = [...program, ...words, '--help']
  const known = helps.get(args.join(' '))
  if (known !== undefined) return known
  const { stdout } = spawnSync(process.execPath, args, { cwd: workspace, encoding: 'utf8' })
  helps.set(args.join(' '), stdout)
  return stdout
}

function knows(help: string, word: string): boolean {
  return new RegExp(`(^|[\\s,[])${word}([\\s,\\]]|$)`, 'm').test(help)
}

function flagFaults(help: string, words: readonly string[], who: string): string[] {
  return words
    .filter((word) => word.startsWith('--'))
    .map((word) => word.split('=')[0] ?? '')
    .filter((flag) => !knows(help, flag) && !knows(help, flag.replace('--no-', '--')))
    .map((flag) => `${who} has no flag ${flag}`)
}

/** What is wrong with the lines of a `sh` block: scripts, files, flags and variables that are not there. */
export function commandFaults(block: Block): string[] {
  const joined = block.text.replaceAll(/\\\n\s*/g, ' ')
  return joined.split('\n').flatMap((line, index) => {
    const command = line.replace(/(^|\s)#.*$/, '').trim()
    if (command === '') return []
    const place = placeOf({ page: block.page, line: block.line + index + 1 })
    return faultsOf(command).map((fault) => `${place}: ${fault}: ${command}`)
  })
}

function faultsOf(command: string): string[] {
  const words = command.split(/\s+/)
  const faults: string[] = []
  while (/^[A-Z_]+=/.test(words[0] ?? '')) {
    const name = words.shift()?.split('=')[0] ?? ''
    if (!variables.includes(name) && !knows(helpOf(worker), name))
      faults.push(`no setting of the worker is called ${name}`)
  }
  const [program = '', ...rest] = words
  if (program === 'npx' && rest[0] === '-y' && rest[1] === 'pnpm@12')
    return [...faults, ...pnpmFaults(rest.slice(2))]
  if (program === 'npx' && rest[0] === 'aimq') return [...faults, ...aimqFaults(rest.slice(1))]
  if (program === 'aimq') return [...faults, ...aimqFaults(rest)]
  if (program === 'bash' || program === 'node') return [...faults, ...fileFaults(rest[0] ?? '')]
  if (!foreign.includes(program)) return [...faults, `nobody knows the program ${program}`]
  if (program === 'npm') return [...faults, ...packageFaults(rest)]
  if (program === 'docker') return [...faults, ...dockerFaults(rest)]
  return faults
}

function pnpmFaults([script = '', ...rest]: string[]): string[] {
  if (script === 'install') return []
  if (!Object.hasOwn(scripts, script)) return [`package.json has no script ${script}`]
  return script === 'start' ? flagFaults(helpOf(worker), rest, 'the worker') : []
}

function aimqFaults(words: readonly string[]): string[] {
  const first = words.findIndex((word) => word.startsWith('-'))
  const operands = first < 0 ? words : words.slice(0, first)
  const help = helpOf(aimq, operands)
  // The help of a group of commands: none of it was named, or one that is not there.
  if (operands.length > 0 && /^Usage:.*\[command\]$/m.test(help))
    return [`there is no command aimq ${operands.join(' ')}`]
  return flagFaults(help, words, `aimq ${operands[0] ?? ''}`.trim())
}

function fileFaults(path: string): string[] {
  return existsSync(join(workspace, path)) || existsSync(join(workspace, 'apps/worker', path))
    ? []
    : [`there is no file ${path}`]
}

function packageFaults(words: readonly string[]): string[] {
  return words
    .filter((word) => word.startsWith('@aimq/'))
    .map((word) => word.replace(/(?<=.)@.*$/, ''))
    .filter((name) => !existsSync(join(workspace, 'packages', name.slice('@aimq/'.length), 'package.json')))
    .map((name) => `there is no package ${name} to install`)
}

function dockerFaults(words: readonly string[]): string[] {
  const file = words[0] === 'build' ? words[words.indexOf('-f') + 1] : undefined
  return file === undefined || existsSync(join(workspace, file)) ? [] : [`there is no file ${file}`]
}
