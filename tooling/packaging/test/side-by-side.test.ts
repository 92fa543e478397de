/* A deploy replaces workers one by one: for a while the old and the new ones work one queue, each in its process. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { createDatabase } from '../../integration/harness/database.ts'
import { startProgram } from '../harness/program.ts'
import { createProject } from '../harness/project.ts'
import { ofPrevious, ofToday, type Release } from '../harness/releases.ts'

it('an old worker and a new one share a queue: every job is worked, once, and each gets some', async () => {
  await using database = await createDatabase()
  await database.query(`select pgmq.create('emails')`)
  const start = async (release: (part: string) => Release) => {
    const project = await createProject()
    onTestFinished(() => project[Symbol.asyncDispose]())
    await project.copyProgram('work.ts')
    await project.install(...['events', 'queue', 'worker'].map((part) => release(part).spec))
    const program = startProgram(project.folder, ['work.ts'], { DATABASE_URL: database.url })
    onTestFinished(() => program[Symbol.asyncDispose]())
    await program.printed('ready')
    return program
  }
  const workers = [await start(ofPrevious), await start(ofToday)]

  const { rows } = await database.query(
    `select pgmq.send('emails', '{}')::text as id from generate_series(1, 60)`,
  )
  const left = async () => (await database.query('select from pgmq.q_emails')).rowCount
  while ((await left()) !== 0) await sleep(100)

  for (const worker of workers) worker.kill('SIGTERM')
  const outputs = await Promise.all(workers.map((worker) => worker.ended()))
  const [old = [], current = []] = outputs.map((text): string[] => JSON.parse(text.replace('ready', '')))
  expect(old).not.toEqual([])
  expect(current).not.toEqual([])
  const sent = rows.map(({ id }) => id)
  expect([...old, ...current].toSorted()).toEqual(sent.toSorted())
})
