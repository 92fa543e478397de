import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { start, temporaryFolder } from '../harness/aimq.ts'
import { useDatabase } from '../harness/database.ts'

/*
 * What only somebody in front of a terminal sees. Ctrl-C is typed, so that a library that has taken the keyboard would be
 * noticed.
 */
const database = useDatabase()
const env = { DATABASE_URL: database.url, TERM: 'xterm' }
const ctrlC = '\u0003'
const queues = async () =>
  (await database.query('select queue_name from pgmq.meta order by 1')).map(({ queue_name }) => queue_name)

beforeAll(async () => {
  await database.query('create extension if not exists pgmq')
  for (const queue of ['emails', 'jobs']) await database.query('select pgmq.create($1)', [queue])
})
beforeEach(() => database.query('delete from pgmq.q_jobs'))

test('a bulk send shows how far it is, and Ctrl-C says what was sent', async () => {
  const cwd = await temporaryFolder()
  await writeFile(
    join(cwd, 'jobs.ndjson'),
    Array.from({ length: 100_000 }, (_, n) => `{"n":${n}}\n`).join(''),
  )
  const args = ['send', 'jobs', '--file', 'jobs.ndjson', '--batch', '200']
  const sending = await start(args, { env, cwd, terminal: true })
  await sending.saw(/\d+ % {2}checked [\d,]+/)
  await sending.saw(/\d+ % {2}sent [\d,]+/)
  sending.child.stdin?.write(ctrlC)
  const { code, stdout } = await sending.ended()
  expect(code).toBe(130)
  const [, sent] = /interrupted after ([\d,]+) messages; go on with: .* --from-line \d+/.exec(stdout) ?? []
  const [row] = await database.query('select count(*)::int as n from pgmq.q_jobs')
  expect(row?.n).toBe(Number(sent?.replaceAll(',', '')))
})

test('bench: Ctrl-C drops its queue', async () => {
  const before = await queues()
  const bench = await start(['bench', '--samples', '100000'], { env, terminal: true })
  await bench.saw(/wake-ups: \d+ of/)
  bench.child.stdin?.write(ctrlC)
  expect((await bench.ended()).code).toBe(130)
  expect(await queues()).toEqual(before)
})

test('enable-realtime without a name asks which queues', async () => {
  const asking = await start(['enable-realtime'], { env, terminal: true })
  await asking.saw(/Which queues[\s\S]*emails[\s\S]*jobs/)
  asking.child.stdin?.write(' ')
  await asking.saw(/◼/)
  asking.child.stdin?.write('\r')
  const { code, stdout } = await asking.ended()
  expect(code).toBe(0)
  expect(stdout).toContain('new jobs in emails wake their workers')
})

test('drop asks, names the host, and takes Ctrl-C for a no', async () => {
  const asking = await start(['drop', 'jobs'], { env, terminal: true })
  await asking.saw(/This drops jobs/)
  await asking.saw(/127\.0\.0\.1/)
  asking.child.stdin?.write(ctrlC)
  expect((await asking.ended()).code).toBe(130)
  expect(await queues()).toContain('jobs')
})

test('top fills the screen until q, and gives it back', async () => {
  const top = await start(['top', '--interval', '200ms'], { env, terminal: true })
  await top.saw(/\[\?1049h[\s\S]*wake-ups[\s\S]*LISTEN\/NOTIFY[\s\S]*emails[\s\S]*q quits/)
  top.child.stdin?.write('q')
  const { code, stdout } = await top.ended()
  expect(code).toBe(0)
  expect(stdout).toContain('\u001b[?1049l')
  const again = await start(['top'], { env, terminal: true })
  await again.saw(/q quits/)
  again.child.stdin?.write(ctrlC)
  expect((await again.ended()).code).toBe(0)
})
