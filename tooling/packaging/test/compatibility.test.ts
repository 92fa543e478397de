/*
 * Packages are released one by one, so that any may be older or newer than its sisters: the previous release of each with
 * today's others, and today's of each with the previous others, on one bus and one database. Jobs flow in every cell.
 */
import { expect, inject, it } from 'vitest'
import { createDatabase } from '../../integration/harness/database.ts'
import { createProject } from '../harness/project.ts'

const steps = ['queue', 'realtime', 'worker']
const parts = ['events', ...steps]
const today = new Map(inject('packages').map(({ name, version }) => [name, version]))
const previous = new Map(inject('previous').map(({ name, version }) => [name, version]))

interface Cell {
  readonly what: string
  readonly chosen: readonly string[]
}

const cells: Cell[] = parts.flatMap((odd) => [
  { what: `${odd} of the previous release, the others of today`, chosen: choose((part) => part === odd) },
  { what: `${odd} of today, the others of the previous release`, chosen: choose((part) => part !== odd) },
])

it('the previous release is another than today’s', () => {
  for (const part of parts) expect(previous.get(`@aimq/${part}`)).not.toBe(today.get(`@aimq/${part}`))
})

it.concurrent.each(cells)('$what: a job is worked', async ({ chosen }) => {
  await using project = await createProject()
  await project.copyProgram('combination.ts')
  await using database = await createDatabase()
  await database.query(`select pgmq.create('emails')`)
  // The previous contract knows no triggers.
  const triggers = chosen.includes(ofToday('events')) ? ['triggers'] : []
  await project.install(...chosen, ...triggers.map(ofToday))
  const { stdout } = await project.node(['combination.ts', ...triggers, ...steps], {
    DATABASE_URL: database.url,
  })
  expect(JSON.parse(stdout)).toMatchObject({
    worked: true,
    answers: { queue: 'answers', realtime: 'answers' },
  })
})

function ofToday(part: string): string {
  return `@aimq/${part}@${today.get(`@aimq/${part}`)}`
}

/** What npm is asked for, when the parts that `isOld` names are of the previous release. */
function choose(isOld: (part: string) => boolean): string[] {
  return parts.map((part) => `@aimq/${part}@${(isOld(part) ? previous : today).get(`@aimq/${part}`)}`)
}
