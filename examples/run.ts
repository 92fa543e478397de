/*
 * Runs an example on a throw-away PostgreSQL and a local Realtime:  npx -y pnpm@12 example <folder>
 * Its `before.sql` stands for what others did before.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '@aimq/embedded'
import pg from 'pg'

const folder = join(import.meta.dirname, process.argv[2] ?? '.')
const main = ['main.ts', 'main.js'].map((file) => join(folder, file)).find((file) => existsSync(file))
if (main === undefined) {
  const entries = await readdir(import.meta.dirname, { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
  throw new Error(`expected the folder of an example: ${folders.map(({ name }) => name).join(', ')}`)
}

const dataDir = await mkdtemp(join(tmpdir(), 'aimq-example-'))
// As root, PostgreSQL runs as somebody else, who must be able to enter.
await chmod(dataDir, 0o755)
const database = await startEmbedded({ dataDir, temporary: true, realtime: true })
try {
  await runBefore(join(folder, 'before.sql'))
  const child = spawn(process.execPath, ['--conditions=@aimq/source', main], {
    stdio: 'inherit',
    env: {
      ...process.env,
      DATABASE_URL: database.connectionString,
      SUPABASE_URL: database.realtime?.url,
      SUPABASE_KEY: database.realtime?.serviceRoleKey,
    },
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  process.exitCode = code ?? 1
} finally {
  await database.stop()
  await rm(dataDir, { recursive: true, force: true })
}

async function runBefore(file: string): Promise<void> {
  if (!existsSync(file)) return
  const client = new pg.Client(database.connectionString)
  await client.connect()
  await client.query(await readFile(file, 'utf8'))
  await client.end()
}
