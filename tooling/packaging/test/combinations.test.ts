/*
 * The steps à la carte: each combination is tried in a folder of its own where nothing else is installed, on a database of
 * its own. What is there works; what is missing is named, with the package that brings it.
 */
import { expect, it } from 'vitest'
import { createDatabase } from '../../integration/harness/database.ts'
import { createProject } from '../harness/project.ts'

interface Outcome {
  readonly answers?: Record<string, string>
  readonly worked?: boolean
  readonly wokenBy?: string
  readonly refused?: string
  readonly message?: string
}

it.concurrent('a worker alone says that it needs a queue, and which package is one', async () => {
  const { refused, message } = await combine('worker')
  expect(refused).toBe('worker/no-queue')
  expect(message).toContain('install @aimq/queue')
})

it.concurrent('a queue alone answers for queues, and names who would answer the rest', async () => {
  expect((await combine('queue')).answers).toEqual({
    queue: 'answers',
    worker: expect.stringContaining('npm install @aimq/worker'),
    realtime: expect.stringContaining('npm install @aimq/realtime'),
    triggers: expect.stringContaining('npm install @aimq/triggers'),
  })
})

it.concurrent('queue and worker: a job sent by plain SQL is found by polling', async () => {
  const { answers, worked, wokenBy } = await combine('queue', 'worker')
  expect(worked).toBe(true)
  expect(wokenBy).toBeUndefined()
  expect(answers).toMatchObject({ queue: 'answers', worker: 'answers' })
  expect(answers?.realtime).toContain('npm install @aimq/realtime')
})

it.concurrent('realtime alone proves its path, and needs nobody', async () => {
  const { answers } = await combine('realtime')
  expect(answers?.realtime).toBe('answers')
  expect(answers?.queue).toContain('npm install @aimq/queue')
})

it.concurrent('queue, worker and realtime: plain SQL without a word is found by polling still', async () => {
  const { worked, answers } = await combine('queue', 'realtime', 'worker')
  expect(worked).toBe(true)
  expect(answers).toMatchObject({ queue: 'answers', worker: 'answers', realtime: 'answers' })
  expect(answers?.triggers).toContain('npm install @aimq/triggers')
})

it.concurrent('queue, worker and triggers: who listens is missing, and polling finds the job', async () => {
  const { worked, wokenBy, answers } = await combine('queue', 'triggers', 'worker')
  expect(worked).toBe(true)
  expect(wokenBy).toBeUndefined()
  expect(answers?.realtime).toContain('npm install @aimq/realtime')
})

it.concurrent('triggers alone install, and need nobody', async () => {
  const { answers } = await combine('triggers')
  expect(answers?.triggers).toBe('answers')
  expect(answers?.queue).toContain('npm install @aimq/queue')
})

it.concurrent('all of them: the same plain SQL wakes the worker', async () => {
  const { worked, wokenBy, answers } = await combine('queue', 'triggers', 'realtime', 'worker')
  expect(worked).toBe(true)
  expect(wokenBy).toBe('listen')
  expect(new Set(Object.values(answers ?? {}))).toEqual(new Set(['answers']))
})

async function combine(...steps: readonly string[]): Promise<Outcome> {
  await using project = await createProject()
  await project.install(...steps.map((step) => `@aimq/${step}`))
  await project.copyProgram('combination.ts')
  await using database = await createDatabase()
  await database.query(`select pgmq.create('emails')`)
  const { stdout } = await project.node(['combination.ts', ...steps], { DATABASE_URL: database.url })
  return JSON.parse(stdout) as Outcome
}
