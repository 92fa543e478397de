import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ConfigInput, flagOf, isSwitch, readConfig } from '@aimq/cli/start'
import { expect, test } from 'vitest'
import { settings } from '../src/settings.ts'
import { worker } from '../src/worker.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const canary = 'CANARY-p4ssw0rd'

async function setup() {
  const cwd = await temporaryFolder()
  const read = (argv: string[], env: ConfigInput['env'] = {}, isTerminal = false) =>
    readConfig({ argv, env, cwd, isTerminal }, worker)
  const config = (...args: Parameters<typeof read>) => {
    const result = read(...args)
    if (result.kind !== 'config') throw new Error(JSON.stringify(result))
    return result.config
  }
  const faults = (...args: Parameters<typeof read>) => {
    const result = read(...args)
    if (result.kind !== 'faults') throw new Error(JSON.stringify(result))
    expect(result.text).not.toContain(canary)
    return result.text
  }
  return { cwd, read, config, faults }
}

test('with nothing set: the embedded database, the samples, and a screen for people', async () => {
  const { cwd, config } = await setup()
  expect(config([])).toMatchObject({
    databaseUrl: undefined,
    dataDir: join(cwd, '.aimq'),
    samples: true,
    sampleJobs: true,
    drain: false,
    createQueues: true,
    logFormat: 'pretty',
    logLevel: 'warn',
    logPayloads: false,
    warnings: [],
  })
})

test('with handlers: no samples, and logs for machines unless a person looks on', async () => {
  const { config } = await setup()
  const expected = { handlers: 'work', samples: false, sampleJobs: false, logLevel: 'info' }
  expect(config(['--handlers', 'work'])).toMatchObject({ ...expected, logFormat: 'json' })
  expect(config([], { AIMQ_HANDLERS: 'work' }, true)).toMatchObject({ ...expected, logFormat: 'pretty' })
  expect(config(['--handlers', 'work', '--samples'])).toMatchObject({ samples: true })
})

test('with a database: no samples unless asked for', async () => {
  const { config, faults } = await setup()
  const env = { DATABASE_URL: 'postgres://u:p@db/app' }
  expect(config(['--samples'], env)).toMatchObject({ databaseUrl: env.DATABASE_URL, samples: true })
  expect(config(['--handlers', 'x'], env)).toMatchObject({ samples: false })
  expect(faults([], env)).toMatch(/nothing to work.*--handlers/)
})

test('without sample jobs, the sample queues are still worked', async () => {
  const { config } = await setup()
  expect(config(['--no-samples'])).toMatchObject({ samples: true, sampleJobs: false })
})

test('flags beat the environment, which beats .env', async () => {
  const { cwd, config } = await setup()
  await writeFile(join(cwd, '.env'), 'AIMQ_CONCURRENCY=1\nAIMQ_PORT=1001\nAIMQ_DRAIN=yes\n', { mode: 0o600 })
  const env = { AIMQ_CONCURRENCY: '2', AIMQ_PORT: '1002' }
  expect(config(['--port', '1003'], env)).toMatchObject({ port: 1003, concurrency: 2, drain: true })
  expect(config(['--no-drain'], env)).toMatchObject({ port: 1002, drain: false })
  // An empty variable is one that is not set.
  expect(config([], { AIMQ_CONCURRENCY: '' })).toMatchObject({ concurrency: 1 })
})

test('the -- of a package manager is no argument', async () => {
  const { config } = await setup()
  expect(config(['--', '--drain'])).toMatchObject({ drain: true })
})

test('the connection string can be in another variable, or in another file', async () => {
  const { cwd, config, faults } = await setup()
  await writeFile(join(cwd, 'production.env'), 'JOBS_URL="postgres://u:p@db/jobs"\n', { mode: 0o600 })
  const args = ['--handlers', 'x', '--env', 'production.env', '--database-url-env', 'JOBS_URL']
  expect(config(args)).toMatchObject({
    databaseUrl: 'postgres://u:p@db/jobs',
    databaseUrlVariable: 'JOBS_URL',
  })
  expect(config(args).environment).toMatchObject({ JOBS_URL: 'postgres://u:p@db/jobs' })
  expect(faults(['--handlers', 'x', '--database-url-env', 'JOBS_URL'])).toContain(
    'JOBS_URL: expected a connection string',
  )
})

test('tells every fault at once, by its name, with what was expected and what came', async () => {
  const { cwd, faults } = await setup()
  await writeFile(join(cwd, '.env'), 'AIMQ_LOG_FORMAT=xml\nthis is no setting\n', { mode: 0o600 })
  const text = faults(
    ['--concurency', '3', '--port', 'abc', '--log-level=loud', '--no-drian', '--poll-interval-ms'],
    { AIMQ_GRACE_PERIOD_MS: '-5', AIMQ_SAMPLES: 'maybe', DATABASE_URL: `mysql://u:${canary}@db/app` },
  )
  expect(text.replaceAll(cwd, '<folder>')).toMatchInlineSnapshot(`
    "worker: 11 settings are not usable; nothing was started
      - --poll-interval-ms: expected a value after it
      - --concurency: unknown flag; did you mean "--concurrency"?
      - --no-drian: unknown flag; did you mean "--no-drain"?
      - .env:2: expected NAME=value
      - AIMQ_SAMPLES: expected true or false, got "maybe"
      - AIMQ_GRACE_PERIOD_MS: expected a whole number from 0 to 86400000, got "-5"
      - --port: expected a whole number from 1 to 65535, got "abc"
      - --log-level: expected debug, info, warn or error, got "loud"
      - AIMQ_LOG_FORMAT (env file): expected pretty or json, got "xml"
      - DATABASE_URL: expected a connection string such as postgres://user:password@host:5432/database (not shown, it may hold a secret; special characters in the password are written as %40 and the like)
      - nothing to work: say where your handlers are with --handlers <path> or AIMQ_HANDLERS; or --samples
    Try --help
    "
  `)
})

test.each([
  ['a password as a flag', [`--password=${canary}`], {}, 'DATABASE_URL'],
  ['a password after a flag', ['--password', canary], {}, 'DATABASE_URL'],
  ['a connection string as a flag', [`--database-url=postgres://u:${canary}@db/app`], {}, 'DATABASE_URL'],
  ['a connection string as an argument', [`postgres://u:${canary}@db/app`], {}, 'expected flags only'],
  [
    'a connection string for a name',
    [`--database-url-env=postgres://u:${canary}@db/app`],
    {},
    'name of a variable',
  ],
  ['a connection string for a number', [], { AIMQ_PORT: `postgres://u:${canary}@db/app` }, 'AIMQ_PORT'],
  ['a password alone', [], { DATABASE_URL: canary }, 'DATABASE_URL'],
  ['a weak secret', [], { WEBHOOK_SECRET: 'CANARY-p4ssw0rd'.slice(0, 15) }, 'WEBHOOK_SECRET'],
  ['a secret that is no base64', [], { WEBHOOK_SECRET: `whsec_${canary}!!` }, 'WEBHOOK_SECRET'],
])('does not repeat %s', async (_name, argv, env, expected) => {
  const { faults } = await setup()
  expect(faults(argv, env)).toContain(expected)
})

test.each([
  ['is not there', async () => {}, 'there is no such file'],
  ['is a folder', (path: string) => mkdir(path), 'is a folder'],
  ['is no text', (path: string) => writeFile(path, Buffer.from([0, 1, 2, 0xff])), 'not text'],
  ['never ends', (path: string) => symlink('/dev/zero', path), 'more than 1048576 bytes'],
  ['has a stray line', (path: string) => writeFile(path, `A=1\n${canary}\n`), ':2: expected NAME=value'],
])('says so when the env file %s', async (_name, make, expected) => {
  const { cwd, faults } = await setup()
  await make(join(cwd, 'my.env'))
  expect(faults(['--env', 'my.env'])).toContain(expected)
})

test('warns of an env file that others can read, and of a misspelt variable', async () => {
  const { cwd, config } = await setup()
  await writeFile(join(cwd, '.env'), 'AIMQ_CONCURENCY=1\nAIMQ_TASKS=elsewhere\n')
  await chmod(join(cwd, '.env'), 0o644)
  const { warnings } = config([])
  expect(warnings).toHaveLength(2)
  expect(warnings[0]).toContain('chmod 600')
  expect(warnings[1]).toContain('did you mean "AIMQ_CONCURRENCY"')
  await chmod(join(cwd, '.env'), 0o600)
  expect(config([]).warnings).toHaveLength(1)
})

test('warns when payloads are logged', async () => {
  const { config } = await setup()
  expect(config(['--log-payloads']).warnings.join()).toContain('personal data')
})

test('refuses a digest root that is no folder', async () => {
  const { faults } = await setup()
  expect(faults(['--digest-root', 'nowhere'])).toContain('--digest-root: expected a folder, got "nowhere"')
  expect(faults([], { DIGEST_ROOT: '../nowhere' })).toContain(
    'DIGEST_ROOT: expected a folder, got "../nowhere"',
  )
})

test.each(Object.values(settings).filter((setting) => !isSwitch(setting)))(
  'refuses $flag without a value, by a shell variable that is not set',
  async (setting) => {
    const { faults, config } = await setup()
    expect(faults([flagOf(setting), ''])).toContain(`${flagOf(setting)}: expected a value, got an empty one`)
    expect(config([], { [setting.variable]: '' })).toMatchObject({
      dataDir: expect.stringContaining('.aimq'),
    })
  },
)

test('says what to write instead of a flag that Node takes for itself', async () => {
  const { faults } = await setup()
  expect(faults(['--env-file', 'x'])).toContain('use --env <path>')
})
