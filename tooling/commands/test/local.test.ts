import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { aimq, aimqJson, start, temporaryFolder } from '../harness/aimq.ts'

test('init lays out a project, and never overwrites', async () => {
  const cwd = await temporaryFolder()
  await writeFile(join(cwd, '.gitignore'), 'mine\n')
  const first = (await aimqJson(['init', '--all'], { cwd })) as { created: string[]; kept: string[] }
  expect(first.created).toEqual([
    'package.json',
    'handlers/emails.ts',
    '.env.example',
    'Dockerfile',
    '.dockerignore',
    expect.stringMatching(/^supabase\/migrations\/\d{14}_aimq\.sql$/),
  ])
  expect(first.kept).toEqual(['.gitignore'])
  expect(await readFile(join(cwd, '.gitignore'), 'utf8')).toBe('mine\n')
  await writeFile(join(cwd, 'handlers/emails.ts'), '// mine')
  expect(await aimqJson(['init'], { cwd })).toMatchObject({ created: [] })
  expect(await readFile(join(cwd, 'handlers/emails.ts'), 'utf8')).toBe('// mine')
})

test('init in a folder of its own says what to do next', async () => {
  const { code, stdout } = await aimq(['init', 'my jobs'])
  expect(code).toBe(0)
  expect(stdout).toContain('✓ wrote my jobs/handlers/emails.ts')
  expect(stdout).toMatch(/Next:\n {2}cd /)
  // The program brings the steps along for itself; the handler's own import needs them in the project.
  expect(stdout).toContain('npm install')
})

test('dev runs until Ctrl-C, other commands find it, and the data stays', async () => {
  const cwd = await temporaryFolder()
  const dev = await start(['dev'], { cwd })
  const [, url = ''] = await dev.saw(/DATABASE_URL=(\S+)/)
  await dev.saw(/SUPABASE_SERVICE_ROLE_KEY=\S+[\s\S]*Ctrl-C/)
  const created = await aimq(['create', 'emails'], { cwd })
  expect(created.stdout).toContain('wake their workers (notify, realtime)')
  expect(created.stderr).toContain('on the embedded PostgreSQL of .aimq (127.0.0.1:')
  expect(await aimqJson(['realtime', 'status'], { cwd })).toMatchObject({
    health: 'healthy',
    paths: [
      { path: 'listen', health: 'healthy' },
      { path: 'supabase', health: 'healthy' },
    ],
  })
  expect(await aimqJson(['send', 'emails', '1'], { env: { DATABASE_URL: url } })).toMatchObject({ id: '1' })
  dev.child.kill('SIGINT')
  expect((await dev.ended()).code).toBe(0)
  // Nobody runs it now: the command starts it for itself.
  expect(await aimqJson(['peek', 'emails'], { cwd })).toMatchObject([{ id: '1', payload: 1 }])
})

test('dev takes its PostgreSQL along when the terminal is closed', async () => {
  const dev = await start(['dev', '--no-realtime'], { cwd: await temporaryFolder() })
  const [, url = ''] = await dev.saw(/DATABASE_URL=(\S+)/)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const folder = await dataFolder(client)
  const gone = new Promise((resolve) => client.on('error', resolve))
  dev.child.kill('SIGHUP')
  await gone
  expect((await dev.ended()).code).toBe(0)
  // The port is free now, and a test beside this one may have taken it for a PostgreSQL of its own.
  const again = new pg.Client({ connectionString: url })
  again.on('error', () => {})
  const answers = await again.connect().then(
    () => dataFolder(again),
    () => 'nobody',
  )
  await again.end().catch(() => {})
  expect(answers).not.toBe(folder)
})

const dataFolder = async (client: pg.Client): Promise<string> =>
  (await client.query('show data_directory')).rows[0].data_directory

test('dev --json: one line, with what to connect to', async () => {
  const cwd = await temporaryFolder()
  const dev = await start(['dev', '--json'], { cwd })
  await dev.saw(/\n/)
  dev.child.kill('SIGINT')
  const { code, stdout, stderr } = await dev.ended()
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(stdout)).toEqual({
    DATABASE_URL: expect.stringMatching(/^postgres:/),
    SUPABASE_URL: expect.stringMatching(/^http:/),
    SUPABASE_ANON_KEY: expect.stringMatching(/^eyJ/),
    SUPABASE_SERVICE_ROLE_KEY: expect.stringMatching(/^eyJ/),
    dataDir: join(cwd, '.aimq'),
    joined: false,
  })
})

test('dev without a Realtime runs until it is told to stop, too', async () => {
  const dev = await start(['dev', '--no-realtime'], { cwd: await temporaryFolder() })
  await dev.saw(/PostgreSQL with pgmq, for development[\s\S]*Ctrl-C/)
  dev.child.kill('SIGTERM')
  await dev.saw(/Stopped\./)
  expect((await dev.ended()).code).toBe(0)
})

test('a step that is not installed: which package, and how to install it', async () => {
  const cwd = await temporaryFolder()
  // The program alone, with the contract and its libraries, as npm installs it without optional packages.
  const modules = join(cwd, 'node_modules')
  const cli = join(modules, '@aimq/cli')
  const workspace = join(import.meta.dirname, '../../..')
  await mkdir(cli, { recursive: true })
  for (const part of ['dist', 'scaffold', 'sql', 'package.json']) {
    await cp(join(workspace, 'packages/cli', part), join(cli, part), { recursive: true })
  }
  for (const name of ['commander', 'cli-table3', '@clack', 'pg', 'pg-connection-string']) {
    await symlink(join(workspace, 'packages/cli/node_modules', name), join(modules, name))
  }
  await symlink(join(workspace, 'packages/events'), join(modules, '@aimq/events'))
  const program = join(cli, 'dist/bin.js')
  const env = { DATABASE_URL: 'postgres://u:p@127.0.0.1:1/db' }
  const run = (...args: string[]) => aimq(args, { cwd, env, program })
  for (const [step, ...args] of [
    ['queue', 'list'],
    ['queue', 'send', 'emails', '1'],
    ['realtime', 'realtime', 'status'],
    ['triggers', 'triggers', 'migration', 'emails', '--print'],
  ] as const) {
    const { code, stderr } = await run(...args)
    expect(code).toBe(78)
    expect(stderr).toContain(`npm install @aimq/${step}\n`)
  }
  const { code, stderr } = await aimq(['dev'], { cwd, program })
  expect(code).toBe(78)
  expect(stderr).toContain('npm install --save-dev @aimq/embedded\n')
})
