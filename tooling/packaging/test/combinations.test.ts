/*
 * The steps à la carte: each combination is tried where nothing else is installed. What is there works; what is missing is
 * named, with the package that brings it.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../integration/harness/database.ts'
import { createProject, type Project } from '../harness/project.ts'

interface Outcome {
  readonly answers?: Record<string, string>
  readonly worked?: boolean
  readonly wokenBy?: string
  readonly refused?: string
  readonly message?: string
}

let project: Project
let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
  await database.query(`select pgmq.create('emails')`)
  project = await createProject()
  await project.copyProgram('combination.ts')
})
afterAll(async () => {
  await project[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

it('a worker alone says that it needs a queue, and which package is one', async () => {
  await project.install('@aimq/worker')
  const { refused, message } = await combine('worker')
  expect(refused).toBe('worker/no-queue')
  expect(message).toContain('install @aimq/queue')
})

it('a queue alone answers for queues, and names who would answer the rest', async () => {
  await project.install('@aimq/queue')
  expect((await combine('queue')).answers).toEqual({
    queue: 'answers',
    worker: expect.stringContaining('npm install @aimq/worker'),
    realtime: expect.stringContaining('npm install @aimq/realtime'),
    triggers: expect.stringContaining('npm install @aimq/triggers'),
  })
})

it('queue and worker: a job sent by plain SQL is found by polling', async () => {
  const { answers, worked, wokenBy } = await combine('queue', 'worker')
  expect(worked).toBe(true)
  expect(wokenBy).toBeUndefined()
  expect(answers).toMatchObject({ queue: 'answers', worker: 'answers' })
  expect(answers?.realtime).toContain('npm install @aimq/realtime')
})

it('realtime alone proves its path, and needs nobody', async () => {
  await project.install('@aimq/realtime')
  const { answers } = await combine('realtime')
  expect(answers?.realtime).toBe('answers')
  expect(answers?.queue).toContain('npm install @aimq/queue')
})

it('queue, worker and realtime: who sends plain SQL without a word is found by polling still', async () => {
  const { worked, answers } = await combine('queue', 'realtime', 'worker')
  expect(worked).toBe(true)
  expect(answers).toMatchObject({ queue: 'answers', worker: 'answers', realtime: 'answers' })
})

it('triggers alone install, and need nobody', async () => {
  await project.install('@aimq/triggers')
  const { answers } = await combine('triggers')
  expect(answers?.triggers).toBe('answers')
  expect(answers?.queue).toContain('npm install @aimq/queue')
})

it('all of them: the same plain SQL wakes the worker', async () => {
  const { worked, wokenBy, answers } = await combine('queue', 'triggers', 'realtime', 'worker')
  expect(worked).toBe(true)
  expect(wokenBy).toBe('listen')
  expect(new Set(Object.values(answers ?? {}))).toEqual(new Set(['answers']))
})

async function combine(...steps: readonly string[]): Promise<Outcome> {
  const { stdout } = await project.node(['combination.ts', ...steps], { DATABASE_URL: database.url })
  return JSON.parse(stdout) as Outcome
}
