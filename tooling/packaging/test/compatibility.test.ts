/*
 * Packages are released one by one, so that any may be older or newer than its sisters: the previous release of each with
 * today's others, and today's of each with the previous others, on one bus and one database. Jobs flow in every cell.
 */
import { expect, inject, it } from 'vitest'
import { createDatabase } from '../../integration/harness/database.ts'
import { createProject } from '../harness/project.ts'
import { ofPrevious, ofToday, type Release, understands } from '../harness/releases.ts'

const steps = ['queue', 'realtime', 'triggers', 'worker']
const parts = ['events', ...steps, 'cli']

interface Cell {
  readonly what: string
  readonly releases: readonly Release[]
}

const cells: Cell[] = parts.flatMap((odd) => [
  {
    what: `${odd} of the previous release, the others of today`,
    releases: parts.map((part) => (part === odd ? ofPrevious(part) : ofToday(part))),
  },
  {
    what: `${odd} of today, the others of the previous release`,
    releases: parts.map((part) => (part === odd ? ofToday(part) : ofPrevious(part))),
  },
])

it('every package has a previous release, and it is another than today’s', () => {
  expect(inject('previous').map(({ name }) => name)).toEqual(inject('packages').map(({ name }) => name))
  for (const part of [...parts, 'embedded']) expect(ofPrevious(part).version).not.toBe(ofToday(part).version)
})

it.concurrent.each(cells)('$what: a job is worked', async ({ releases }) => {
  await using project = await createProject()
  await project.copyProgram('combination.ts')
  await using database = await createDatabase()
  await database.query(`select pgmq.create('emails')`)
  const [contract] = releases
  // What needs a newer contract is not there; that npm says so is tested below.
  const chosen = releases.filter((release) => understands(release, contract))
  const has = (part: string) => chosen.some(({ name }) => name === `@aimq/${part}`)
  await project.install('--omit=optional', ...chosen.map(({ spec }) => spec))
  // Before 0.3 it does not tell the triggers that it listens, so that they spare it their hints: its workers poll.
  const wakes = has('triggers') && releases.some(({ spec }) => spec === ofToday('realtime').spec)
  const env = { DATABASE_URL: database.url }
  const { stdout } = await project.node(['combination.ts', ...steps.filter(has)], env)
  expect(JSON.parse(stdout)).toMatchObject({
    worked: true,
    answers: {
      queue: 'answers',
      realtime: 'answers',
      worker: 'answers',
      ...(has('triggers') && { triggers: 'answers' }),
    },
    ...(wakes && { wokenBy: 'listen' }),
  })
  if (!has('cli')) return
  await project.write(
    'handlers/emails.js',
    `export default ({ payload }) => console.log('dear ' + payload.to)\n`,
  )
  await project.bin('aimq', ['send', 'emails', '{"to":"ada"}'], env)
  expect((await project.bin('aimq', ['start', 'handlers', '--drain'], env)).stdout).toContain('dear ada')
})

it.concurrent.each(parts.map(ofToday).filter((release) => !understands(release, ofPrevious('events'))))(
  '$name needs a newer contract than the previous one: npm refuses, and names both',
  async ({ name, spec }) => {
    await using project = await createProject()
    const refused = project.install('--omit=optional', ofPrevious('events').spec, spec)
    await expect(refused).rejects.toThrow(/ERESOLVE[\s\S]*@aimq\/events/)
    await expect(refused).rejects.toThrow(name)
  },
)

it.concurrent.each([
  ['previous', 'today', ofPrevious, ofToday],
  ['today', 'previous', ofToday, ofPrevious],
])(
  'queue of %s installs idempotency keys, and that of %s knows what was sent',
  async (_a, _b, one, other) => {
    await using database = await createDatabase()
    await database.query(`select pgmq.create('emails')`)
    const send = async (release: Release, ...args: readonly string[]) => {
      await using project = await createProject()
      await project.copyProgram('keyed-send.ts')
      await project.install(release.spec)
      return (await project.node(['keyed-send.ts', ...args], { DATABASE_URL: database.url })).stdout
    }
    const sent = await send(one('queue'), 'install')
    expect(await send(other('queue'))).toBe(sent)
    // Whichever comes second finds installed what it would install, and changes nothing.
    expect(await send(other('queue'), 'install')).toBe(sent)
    expect(await send(one('queue'))).toBe(sent)
  },
)

it.concurrent.each([
  ['previous', 'today', ofPrevious, ofToday],
  ['today', 'previous', ofToday, ofPrevious],
])(
  'the embedded PostgreSQL of %s serves the queue of %s, which then starts the same data',
  async (...cell) => {
    const [, , one, other] = cell
    await using project = await createProject()
    await project.copyProgram('embedded.ts')
    await project.install(one('embedded').spec, other('queue').spec)
    expect((await project.node(['embedded.ts', 'data'])).stdout).toBe('1\n')
    await project.install(other('embedded').spec, one('queue').spec)
    expect((await project.node(['embedded.ts', 'data'])).stdout).toBe('2\n')
  },
)

it.concurrent.each([
  ['previous', 'today', ofPrevious, ofToday],
  ['today', 'previous', ofToday, ofPrevious],
])(
  'where triggers of %s were installed, those of %s install theirs, and again the other way round',
  async (...cell) => {
    const [, , one, other] = cell
    await using project = await createProject()
    await project.copyProgram('combination.ts')
    await using database = await createDatabase()
    await database.query(`select pgmq.create('emails')`)
    for (const of of [one, other, one]) {
      const others = ['events', 'queue', 'realtime', 'worker'].map((part) => ofToday(part).spec)
      await project.install(of('triggers').spec, ...others)
      const { stdout } = await project.node(['combination.ts', ...steps], { DATABASE_URL: database.url })
      expect(JSON.parse(stdout)).toMatchObject({
        worked: true,
        wokenBy: 'listen',
        answers: { triggers: 'answers' },
      })
    }
  },
)
