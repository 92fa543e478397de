import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { settingNames, settings } from '../../apps/worker/src/settings.ts'
import { type Block, placeOf, workspace } from './pages.ts'

/** Programs that are not ours: that they exist is taken on trust, what they are told about our files is not. */
const foreign = ['cd', 'curl', 'docker', 'git', 'kubectl', 'npm', 'pip', 'psql', 'supabase']

const scripts = Object.keys(
  (JSON.parse(readFileSync(join(workspace, 'package.json'), 'utf8')) as { scripts: object }).scripts,
)
const flags = settingNames.flatMap((name) => {
  const [flag = ''] = settings[name].flag.split(' ')
  return [flag, flag.replace('--', '--no-')]
})
const variables: readonly string[] = [
  ...settingNames.map((name) => settings[name].variable),
  'DATABASE_URL',
  'DIRECT_URL',
  'SUPABASE_URL',
  'SUPABASE_KEY',
  'SUPABASE_REALTIME_TOKEN',
  'WEBHOOK_SECRET',
]

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
    if (!variables.includes(name)) faults.push(`no setting of the worker is called ${name}`)
  }
  const [program = '', ...rest] = words
  if (program === 'npx' && rest[0] === '-y' && rest[1] === 'pnpm@12')
    return [...faults, ...pnpmFaults(rest.slice(2))]
  if (program === 'bash' || program === 'node') return [...faults, ...fileFaults(rest[0] ?? '')]
  if (!foreign.includes(program)) return [...faults, `nobody knows the program ${program}`]
  if (program === 'npm') return [...faults, ...packageFaults(rest)]
  if (program === 'docker') return [...faults, ...dockerFaults(rest)]
  return faults
}

function pnpmFaults([script = '', ...rest]: string[]): string[] {
  if (script === 'install') return []
  if (!scripts.includes(script)) return [`package.json has no script ${script}`]
  if (script !== 'start') return []
  return rest
    .filter((word) => word.startsWith('--') && !flags.includes(word.split('=')[0] ?? ''))
    .map((flag) => `the worker has no flag ${flag}`)
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
