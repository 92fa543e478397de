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
  for (const queue of ['emails', 'jobs', 'emails_dlq'])
    await database.query('select pgmq.create($1)', [queue])
  await database.query(
    `select pgmq.send('emails_dlq', '{}'::jsonb, '{"x-aimq-dead-letter": {"queue": "emails", "id": "7"}}'::jsonb)`,
  )
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

/** Picks the first that is offered, and says yes where that is asked. */
async function pick(args: readonly string[], question: RegExp, many = false): Promise<string> {
  const asking = await start(args, { env, terminal: true })
  await asking.saw(question)
  if (many) {
    asking.child.stdin?.write(' ')
    await asking.saw(/◼/)
  }
  asking.child.stdin?.write('\r')
  const { code, stdout } = await asking.ended()
  expect({ args, code, stdout }).toMatchObject({ code: 0 })
  return stdout
}

test.each([
  [['peek'], /Which queue[\s\S]*emails[\s\S]*jobs/, /There is nothing in emails/],
  [['realtime', 'broadcast'], /workers of which queue[\s\S]*emails[\s\S]*jobs/, /told workers of emails/],
  [['dlq', 'show'], /Dead letters of which[\s\S]*emails_dlq/, /emails\/7[\s\S]*dlq redrive emails_dlq/],
  [['dlq', 'redrive', '--to', 'emails'], /to be sent back[\s\S]*emails_dlq/, /sent 1 dead letter/],
  [['dlq', 'purge', '--yes'], /to be deleted[\s\S]*emails_dlq/, /deleted 0 messages of emails_dlq/],
] as const)('%j without a name asks which queue', async (args, question, said) => {
  expect(await pick(args, question)).toMatch(said)
})

test.each([
  [['purge', '--yes'], /to lose their messages[\s\S]*emails/, /deleted \d+ messages? of emails/],
  [['drop', '--yes'], /to be dropped[\s\S]*a_first/, /dropped a_first/],
] as const)('%j without a name asks which queues', async (args, question, said) => {
  if (args[0] === 'drop') await database.query(`select pgmq.create('a_first')`)
  expect(await pick(args, question, true)).toMatch(said)
})

test('Ctrl-C at the question: nothing was done', async () => {
  const asking = await start(['dlq', 'purge', '--yes'], { env, terminal: true })
  await asking.saw(/to be deleted/)
  asking.child.stdin?.write(ctrlC)
  const { code, stdout } = await asking.ended()
  expect({ code, stdout }).toMatchObject({ code: 130, stdout: expect.stringContaining('nothing was done') })
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
