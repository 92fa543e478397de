import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join, relative } from 'node:path'
import { sendJobFile } from '../example-file.ts'
import type { SamplesConfig } from './config.ts'

/** Commands that work as they stand: on this machine, in this folder, with this database. */
export function nextSteps(config: SamplesConfig, connectionString: string): string[] {
  const payload = JSON.stringify({ path: someFile(config.digestRoot) })
  const lines = ['Send a job:', `  ${sendCommand(config, payload)}`]
  // The embedded database's password is no secret; a connection string that was given is never shown.
  if (config.databaseUrl === undefined && isInstalled('psql')) {
    const sql = `select pgmq.send('digests', '${payload.replaceAll('"', '\\"')}')`
    lines.push('or, with psql:', `  psql ${connectionString} -c "${sql}"`)
  }
  return lines
}

/** For whoever is here for the first time. */
export const moreSteps: readonly string[] = [
  'Work your own:',
  '  put "export default async (job) => { … }" into handlers/emails.ts',
  '  and start with --handlers handlers: it works the queue "emails"',
  'Everything else: --help',
]

/** Of a worker; nothing to a program that sends one job. */
const limitsMemory = /^--(max-semi-space-size|heap-growing-percent)=/

function sendCommand(config: SamplesConfig, payload: string): string {
  const isDefaultDir = config.dataDir === join(process.cwd(), '.aimq')
  const prefix =
    config.databaseUrl === undefined && !isDefaultDir ? `AIMQ_DATA_DIR=${quoted(config.dataDir)} ` : ''
  const script = quoted(relative(process.cwd(), sendJobFile))
  const flags = process.execArgv.filter((flag) => !limitsMemory.test(flag))
  return `${prefix}${[nodeCommand(), ...flags, script].join(' ')} digests '${payload}'`
}

/** The workspace brings its own Node, which may not be the one on the path. */
function nodeCommand(): string {
  const own = join('node_modules', '.bin', 'node')
  return existsSync(own) ? own : quoted(process.execPath)
}

const quoted = (text: string) => (/^[\w./:@=+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

function someFile(root: string): string {
  const files = readdirSync(root, { withFileTypes: true }).filter(
    (entry) => entry.isFile() && /^[\w.-]+$/.test(entry.name),
  )
  const names = files.map(({ name }) => name).filter((name) => !name.startsWith('.'))
  return ['README.md', 'package.json'].find((name) => names.includes(name)) ?? names[0] ?? 'a-file'
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .some((folder) => folder !== '' && existsSync(join(folder, program)))
}
