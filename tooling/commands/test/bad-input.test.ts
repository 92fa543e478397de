import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aimq, bin, temporaryFolder } from '../harness/aimq.ts'
import { canary, useDatabase } from '../harness/database.ts'
import { mayRun, ordinaryUser } from '../harness/ordinary-user.ts'

const database = useDatabase()
const env = { DATABASE_URL: database.url }
const bare = `bad_input_bare_${process.pid}`

beforeAll(async () => {
  await database.query('create extension if not exists pgmq')
  await database.query(`select pgmq.create('emails')`)
  await database.query(`create database ${bare} template template0`)
})
afterAll(() => database.query(`drop database ${bare}`))

/** One message on stderr that begins like this, nothing on stdout, and the exit code of the table. */
async function refuses(
  args: readonly string[],
  code: number,
  run: Parameters<typeof aimq>[1] = {},
): Promise<string> {
  const ended = await aimq(args, { env, ...run })
  const messages = ended.stderr.replace(/^on the (database|embedded) .*\n/, '')
  expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: '' })
  expect(messages).toMatch(/^aimq: \S/)
  expect(messages.match(/^aimq: /gm)).toHaveLength(1)
  return messages
}

/** The same, started as somebody who may not read every file, as root may. */
async function refusesOrdinaryUser(
  args: readonly string[],
  code: number,
  { cwd, text }: { readonly cwd: string; readonly text: string },
): Promise<void> {
  if (await mayRun(bin)) expect(await refuses(args, code, { cwd, ...ordinaryUser })).toContain(text)
  // This clone is closed to him, and so is the program in it.
  else expect(spawnSync(process.execPath, [bin], { cwd, ...ordinaryUser.user }).status).not.toBe(0)
}

describe('wrong usage: 2', () => {
  test.each([
    [['lsit'], 'did you mean "list"'],
    [['dlq', 'redrvie', 'emails'], 'did you mean "redrive"'],
    [['list', '--jsno'], 'did you mean "--json"'],
    [['list', 'extra'], 'too many arguments'],
    ...[
      ['peek'],
      ['purge', '--yes'],
      ['drop'],
      ['realtime', 'broadcast'],
      ['dlq', 'show'],
      ['dlq', 'redrive'],
      ['dlq', 'purge'],
    ].map((args): [string[], string] => [args, "missing required argument 'queue'"]),
    [['peek', 'emails', '-n', '0'], 'expected a whole number from 1 to 10000'],
    [['send', 'emails'], 'expected a payload'],
    [['send', 'emails', '1', '--delay', 'soon'], 'expected a time such as 30s'],
    [['send', 'emails', '1', '--at', 'tomorrow'], 'expected a time such as 2030'],
    [['send', 'emails', '1', '--delay', '5s', '--at', '2040-01-01'], 'got both'],
    [['send', 'emails', '1', '--skip-bad'], '--skip-bad: only with --file'],
    [['send', 'emails', '--file', 'x', '--key', 'k'], '--key-field'],
    [['enable-realtime', 'emails', '--path', 'carrier-pigeon'], 'Allowed choices are notify, realtime, both'],
    [['create', 'emails', '--retention', '1 day'], 'add --partitioned'],
    [['completion', 'tcsh'], 'Allowed choices are bash, zsh, fish, powershell'],
    [['peek', 'emails', '--after', 'x'], 'emails'],
  ])('%j', async (args, text) => {
    expect(await refuses(args, 2)).toContain(text)
  })

  test.each([
    [['create']],
    [['drop', '--yes']],
    [['purge', '--yes']],
    [['peek']],
    [['stats']],
    [['send'], ['{}']],
    [['send', '--file', 'jobs.ndjson']],
    [['dlq', 'show']],
    [['dlq', 'redrive']],
    [['dlq', 'purge', '--yes']],
    [['enable-realtime']],
    [['disable-realtime']],
    [['realtime', 'broadcast']],
    [['top', '--once']],
    [['triggers', 'repair']],
  ])('%j: a bad queue name, before any SQL', async (words, rest: string[] = []) => {
    // Where nobody listens: whoever asked the database first would say that it cannot be reached.
    const nowhere = { DATABASE_URL: `postgres://u:${canary}@127.0.0.1:1/db` }
    const names = ['MyQueue', 'a;b', 'a"b', 'é', 'x'.repeat(48), '../etc']
    await Promise.all(
      names.map(async (name) => {
        expect(await refuses([...words, name, ...rest], 2, { env: nowhere })).toContain('lower-case letter')
      }),
    )
  })

  test.each([
    [['list', `postgres://u:${canary.slice(0, 4)}@h/db`]],
    [['list', '--url=postgres://u:p@h/db']],
    [['--database-url', 'postgres://u:p@h/db', 'list']],
    [['list', '--password', 'hunter2']],
  ])('secrets are never arguments: %j', async (args) => {
    const said = await refuses(args, 2)
    expect(said).toContain('secrets are never arguments')
    expect(said).not.toMatch(/u:p|hunter2/)
  })
})

describe('settings: 2', () => {
  test('no database anywhere', async () => {
    const said = await refuses(['list'], 2, { env: {} })
    expect(said).toContain('set DATABASE_URL')
    expect(said).toContain('aimq dev')
  })

  test('a connection string that is none is not repeated', async () => {
    const said = await refuses(['list'], 2, { env: { DATABASE_URL: `mysql://u:${canary}@h/db` } })
    expect(said).toContain('expected a connection string')
  })

  test('a variable that was named and is not set', async () => {
    expect(await refuses(['list', '--database-url-env', 'MY_DB'], 2)).toContain('MY_DB')
  })

  test('an unknown sslmode', async () => {
    const said = await refuses(['list'], 2, { env: { DATABASE_URL: `${database.url}?sslmode=maybe` } })
    expect(said).toContain('sslmode')
  })

  test('a broken .env: which line, and nothing of it', async () => {
    const cwd = await temporaryFolder()
    await writeFile(join(cwd, '.env'), `DATABASE_URL=${database.url}\n${canary}\n`, { mode: 0o600 })
    expect(await refuses(['list'], 2, { env: {}, cwd })).toContain('.env:2: expected NAME=value')
  })

  test('an env file that is not there, or is a folder', async () => {
    const cwd = await temporaryFolder()
    await mkdir(join(cwd, 'folder'))
    expect(await refuses(['list', '--env', 'nope.env'], 2, { cwd })).toContain(
      'nope.env: there is no such file',
    )
    expect(await refuses(['list', '--env', 'folder'], 2, { cwd })).toContain('folder: is a folder')
  })

  test('an env file that this user may not read: which, and what to do', async () => {
    const cwd = await temporaryFolder()
    await writeFile(join(cwd, 'closed.env'), `DATABASE_URL=${database.url}\n`, { mode: 0o000 })
    await refusesOrdinaryUser(['list', '--env', 'closed.env'], 2, {
      cwd,
      text: 'closed.env: may not be read by this user; let it with chmod',
    })
  })

  test('an env file is used, the environment wins, and one that others can read is warned of', async () => {
    const cwd = await temporaryFolder()
    await writeFile(join(cwd, 'my.env'), `DATABASE_URL=${database.url}\n`, { mode: 0o600 })
    expect((await aimq(['list', '--env', 'my.env'], { cwd })).code).toBe(0)
    expect((await aimq(['list', '--env-file', 'my.env'], { cwd })).code).toBe(0)
    const nowhere = { DATABASE_URL: database.urlWith({ port: 1 }) }
    expect((await aimq(['list', '--env', 'my.env'], { cwd, env: nowhere })).code).toBe(69)
    await chmod(join(cwd, 'my.env'), 0o644)
    expect((await aimq(['list', '--env', 'my.env'], { cwd })).stderr).toContain('chmod 600 my.env')
  })
})

describe('input', () => {
  test.each([
    ['{"to":"ada"', 'too early, at column 12'],
    ['{to:ada}', 'single quotes'],
    ['', 'got nothing'],
  ])('a payload that is no JSON, %j: 65', async (payload, text) => {
    expect(await refuses(['send', 'emails', payload], 65)).toContain(text)
  })

  test('stdin that is no JSON, and stdin with one document per line: 65', async () => {
    expect(await refuses(['send', 'emails', '-'], 65, { stdin: '{\n"a": x}' })).toContain(
      'stdin: expected JSON, got a stray "x" at line 2',
    )
    expect(await refuses(['send', 'emails', '-'], 65, { stdin: '{"a":1}\n{"a":2}' })).toContain('--file -')
  })

  test('what the queue refuses: 65', async () => {
    const big = JSON.stringify('x'.repeat(300_000))
    expect(await refuses(['send', 'emails', '-'], 65, { stdin: big })).toContain('262144')
  })

  test('a file that is not there, or is a folder: 66', async () => {
    const cwd = await temporaryFolder()
    expect(await refuses(['send', 'emails', '--file', 'nope'], 66, { cwd })).toContain(
      'nope: there is no such file',
    )
    expect(await refuses(['send', 'emails', '--file', '.'], 66, { cwd })).toContain('is a folder')
  })

  test('a file that this user may not read: 66, which, and what to do', async () => {
    const cwd = await temporaryFolder()
    await writeFile(join(cwd, 'closed.ndjson'), '{}\n', { mode: 0o000 })
    await refusesOrdinaryUser(['send', 'emails', '--file', 'closed.ndjson'], 66, {
      cwd,
      text: 'closed.ndjson: may not be read by this user; let it with chmod',
    })
  })

  test('a migration where none can be written: 66', async () => {
    const cwd = await temporaryFolder()
    await writeFile(join(cwd, 'supabase'), '')
    expect(await refuses(['create', 'emails', '--migration'], 66, { cwd })).toContain('supabase/migrations')
  })
})

describe('the database', () => {
  const commands: string[][] = [
    ['list'],
    ['create', 'x'],
    ['send', 'emails', '1'],
    ['triggers', 'list'],
    ['dlq', 'list'],
    ['top', '--once'],
    ['bench', '--jobs', '0', '--samples', '1'],
  ]
  test.each(commands)('nobody listens: 69 (%s %s)', async (...args) => {
    const said = await refuses(args.filter(Boolean), 69, {
      env: { DATABASE_URL: database.urlWith({ port: 1 }) },
    })
    expect(said).toContain('127.0.0.1:1')
  })

  test.each(commands)('wrong password: 78 (%s %s)', async (...args) => {
    const run = { env: { DATABASE_URL: database.urlWith({ password: `${canary}-not` }) } }
    expect(await refuses(args.filter(Boolean), 78, run)).toMatch(/password|login/)
  })

  test.each([['list'], ['send', 'emails', '1'], ['doctor']])(
    'TLS that was asked for and is not there: 78 (%s)',
    async (...args) => {
      const run = { env: { DATABASE_URL: `${database.url}?sslmode=require` } }
      expect(await refuses(args, 78, run)).toMatch(/offers no TLS.* sslmode=disable/)
    },
  )

  test('no such database, no pgmq, no such queue: 78', async () => {
    const at = (name: string) => ({ env: { DATABASE_URL: database.urlWith({ database: name }) } })
    expect(await refuses(['list'], 78, at('no_such_database'))).toContain('no_such_database')
    expect(await refuses(['list'], 78, at(bare))).toContain('create extension pgmq')
    expect(await refuses(['send', 'nowhere', '1'], 78)).toContain('create it: aimq create nowhere')
  })
})

test('stdout closed by its reader: 1, one message', async () => {
  await database.query(
    `select pgmq.send('emails', jsonb_build_object('n', n, 'x', repeat('x', 2000))) from generate_series(1, 2000) as n`,
  )
  const child = spawn(
    process.execPath,
    ['--conditions=@aimq/source', '--', bin, 'peek', 'emails', '-n', '2000', '--json'],
    {
      env: { PATH: process.env.PATH ?? '', ...env },
      cwd: await temporaryFolder(),
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  child.stdout.once('data', () => child.stdout.destroy())
  const [code] = await once(child, 'close')
  expect({ code, said }).toEqual({ code: 1, said: 'aimq: stdout was closed by its reader\n' })
})

describe('help', () => {
  test('without a command, and asked for: 0, on stdout', async () => {
    for (const args of [[], ['--help'], ['help']]) {
      const { code, stdout, stderr } = await aimq(args, {})
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toContain('Exit codes: 0 done')
    }
  })

  test('of a command, with examples; and the version', async () => {
    for (const args of [
      ['send', '--help'],
      ['help', 'send'],
    ]) {
      const { code, stdout } = await aimq(args)
      expect(code).toBe(0)
      expect(stdout).toContain('Examples:')
    }
    expect((await aimq(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  test('completion: what a shell asks for', async () => {
    expect((await aimq(['complete', '--', 'dlq', 're'])).stdout).toMatch(/^redrive\t/)
    expect((await aimq(['complete', '--', 'create', '--pa'])).stdout).toMatch(/^--path\t/)
    expect((await aimq(['complete', '--', 'start', '--dra'])).stdout).toMatch(/^--drain\t/)
    const { stdout } = await aimq(['completion', 'zsh'])
    expect(stdout).toMatch(/^#compdef aimq/)
  })
})
