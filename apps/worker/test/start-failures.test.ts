import { access, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { useDatabase } from './support/database.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { runWorker, startWorker } from './support/worker-process.ts'

const canary = 'CANARY-p4ssw0rd'
const database = useDatabase()
const role = `app_weak_${process.pid}`
const queues = ['digests', 'digests_dlq', 'webhooks', 'webhooks_dlq']
const bare = `app_bare_${process.pid}`

beforeAll(async () => {
  await database.query(`create role ${role} login password '${canary}'`)
  await database.query(`create database ${bare} template template0`)
})
afterAll(async () => {
  await database.query(`drop database ${bare}`)
  await database.query(`drop owned by ${role}`)
  await database.query(`drop role ${role}`)
})

/** One readable message, no stack, no secret, and the exit code that fits. */
async function fails(url: string, args: string[] = []): Promise<{ code: number | null; stderr: string }> {
  const cwd = await temporaryFolder()
  const { code, stdout, stderr } = await runWorker({
    args: ['--samples', ...args],
    env: { DATABASE_URL: url },
    cwd,
  })
  expect(stdout).toBe('')
  expect(stderr).not.toContain(canary)
  expect(stderr).not.toMatch(/^\s+at /m)
  expect(stderr).toMatch(/^worker: [^\n]/)
  return { code, stderr }
}

describe('a database that is not there: 69', () => {
  test('nobody listens', async () => {
    const { code, stderr } = await fails(`postgres://u:${canary}@127.0.0.1:1/app`)
    expect(code).toBe(69)
    expect(stderr).toContain('127.0.0.1:1/app')
  })
})

describe('a database that is not set up: 78', () => {
  test('wrong password', async () => {
    const { code, stderr } = await fails(database.urlWith({ password: canary }))
    expect(code).toBe(78)
    expect(stderr).toContain('refused the login')
  })

  test('wrong database', async () => {
    const { code, stderr } = await fails(database.urlWith({ database: 'no_such_database' }))
    expect(code).toBe(78)
    expect(stderr).toContain('no_such_database')
  })

  test('no pgmq', async () => {
    const { code, stderr } = await fails(database.urlWith({ database: bare }))
    expect(code).toBe(78)
    expect(stderr).toContain('create extension pgmq')
  })

  test('a queue is missing and may not be created: the SQL that creates it', async () => {
    const { code, stderr } = await fails(database.url, ['--no-create-queues'])
    expect(code).toBe(78)
    expect(stderr).toContain("select pgmq.create('webhooks_dlq');")
  })

  test.each([['--create-queues'], ['--no-create-queues']])(
    '%s: a role without any right is told all at once',
    async (flag) => {
      const fresh = `app_fresh_${process.pid}`
      await database.query(`create role ${fresh} login password '${canary}'`)
      onTestFinished(async () => {
        await database.query(`drop owned by ${fresh}; drop role ${fresh}`)
        for (const queue of queues) await database.query(`select pgmq.drop_queue('${queue}')`)
      })
      const url = database.urlWith({ user: fresh, password: canary })
      const { code, stderr } = await fails(url, [flag])
      expect(code).toBe(78)
      for (const statement of stderr.split('\n').slice(1))
        if (statement !== '') await database.query(statement)
      const args = ['--samples', '--drain', flag]
      const again = await runWorker({ args, env: { DATABASE_URL: url }, cwd: await temporaryFolder() })
      expect(again.stderr).toBe('')
      expect(again.code).toBe(0)
    },
  )

  test('rights are missing: the statements told can be run as they stand, until the worker works', async () => {
    for (const queue of queues) {
      await database.query(`select pgmq.create('${queue}')`)
    }
    await database.query(`select pgmq.send('digests', '{"path": "nowhere"}')`)
    const url = database.urlWith({ user: role, password: canary })
    const env = { DATABASE_URL: url }
    const args = ['--samples', '--drain', '--no-create-queues', '--log-format', 'json']
    for (let round = 0; ; round++) {
      const { code, stdout, stderr } = await runWorker({ args, env, cwd: await temporaryFolder() })
      expect(stderr + stdout).not.toContain(canary)
      if (code === 0) break
      expect({ code, stdout: stdout.replace(/.*WEBHOOK_SECRET.*\n/, '') }).toEqual({ code: 78, stdout: '' })
      const grants = stderr.split('\n').filter((line) => line.trim().startsWith('grant '))
      expect(grants.join()).toContain(`to "${role}"`)
      expect(round).toBeLessThan(4)
      for (const grant of grants) await database.query(grant)
    }
    expect(await database.query('select * from pgmq.q_digests_dlq')).toHaveLength(1)
  })
})

describe('what the user wrote: 2, and nothing is started', () => {
  const nowhere = 'postgres://u:p@127.0.0.1:1/app'

  test('flags', async () => {
    const { code, stderr } = await fails(nowhere, ['--drian', `--database-url=postgres://u:${canary}@h/db`])
    expect(code).toBe(2)
    expect(stderr).toContain('did you mean "--drain"')
  })

  test('handlers, in every file', async () => {
    const cwd = await temporaryFolder()
    const sources = {
      'bad-name.ts': 'export default () => {}',
      'broken.ts': 'export default () => {\n  const x = ;\n}',
      'empty.ts': '',
      'enums.ts': 'export const a = 1\nenum A { B }\nexport default () => A.B',
      'imports.ts': 'import "./nowhere.ts"\nexport default () => {}',
      'number.ts': 'export default 7',
      'record.ts': 'export default { emails: () => {}, orders: 7 }',
      'throws.ts': `\nthrow new Error("no mailbox at postgres://u:${canary}@db")`,
      'twice.mjs': 'export default () => {}',
      'twice.ts': 'export default () => {}',
    }
    await mkdir(join(cwd, 'handlers'))
    for (const [name, source] of Object.entries(sources)) await writeFile(join(cwd, 'handlers', name), source)
    const env = { DATABASE_URL: nowhere, AIMQ_HANDLERS: 'handlers' }
    const { code, stdout, stderr } = await runWorker({ env, cwd })
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).not.toContain(canary)
    expect(stderr.replaceAll(cwd, '<folder>')).toMatchInlineSnapshot(`
      "worker: the handlers are not usable; nothing was started
        - handlers/bad-name.ts: expected a queue name of 1 to 47 characters: a lower-case letter, then lower-case letters, digits or _; got "bad-name"; try "bad_name"
        - handlers/broken.ts:2: Expression expected
        - handlers/empty.ts: expected "export default", followed by a handler, got none; what handlers share belongs in a subfolder
        - handlers/enums.ts:2: TypeScript enum is not supported in strip-only mode
        - handlers/imports.ts: Cannot find module '<folder>/handlers/nowhere.ts' imported from <folder>/handlers/imports.ts
        - handlers/number.ts: expected a function, what defineHandler() returns, or an object of those by queue, got a value of type number
        - handlers/record.ts: expected a function, what defineHandler() returns, or an object of those by queue, got an object whose orders is something else
        - handlers/throws.ts:2: no mailbox at postgres://u:***@db
        - handlers/twice.ts: works the queue "twice", which handlers/twice.mjs works already
      "
    `)
  })

  test('settings and handlers together', async () => {
    const cwd = await temporaryFolder()
    const args = ['--concurrency', 'x', '--handlers', 'nope']
    const { code, stderr } = await runWorker({ args, env: { DATABASE_URL: nowhere }, cwd })
    expect(code).toBe(2)
    expect(stderr).toContain('--concurrency: expected a whole number')
    expect(stderr).toContain('nope: there is no such file or folder')
  })

  test('a handler file that never loads: Ctrl-C ends it at once', async () => {
    const cwd = await temporaryFolder()
    await writeFile(
      join(cwd, 'emails.ts'),
      `import { writeFileSync } from 'node:fs'\nwriteFileSync('${join(cwd, 'began')}', '')\nwhile (true) {}`,
    )
    const worker = startWorker({ args: ['--handlers', 'emails.ts'], env: { DATABASE_URL: nowhere }, cwd })
    await vi.waitFor(() => access(join(cwd, 'began')), 10_000)
    const pressedAt = performance.now()
    worker.child.kill('SIGINT')
    expect(await worker.ended()).toEqual({ code: 0, signal: null })
    expect(performance.now() - pressedAt).toBeLessThan(5000)
    expect(worker.output()).toBe('')
  })

  test('an env file that is not there, in our own words', async () => {
    const { code, stderr } = await fails(nowhere, ['--env', 'nope.env'])
    expect(code).toBe(2)
    expect(stderr).toContain('nope.env: there is no such file')
  })

  test('a policy that makes no sense', async () => {
    const cwd = await temporaryFolder()
    const worker = import.meta.resolve('@aimq/worker')
    const source = `import { defineHandler } from '${worker}'\nexport default defineHandler('emails', () => {}, { concurency: 2 })`
    await writeFile(join(cwd, 'emails.ts'), source)
    const env = { DATABASE_URL: nowhere, AIMQ_HANDLERS: 'emails.ts' }
    const { code, stderr } = await runWorker({ env, cwd })
    expect(code).toBe(2)
    expect(stderr).toContain('handlers.emails')
  })
})

test('--help says what there is, and exits with 0', async () => {
  const { code, stdout, stderr } = await runWorker({ args: ['--help'], cwd: await temporaryFolder() })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('AIMQ_CONCURRENCY')
  expect(stdout).toContain('Examples:')
})
