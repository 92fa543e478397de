import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { aimq, aimqJson, start, temporaryFolder } from '../harness/aimq.ts'
import { useDatabase } from '../harness/database.ts'

const database = useDatabase()
const env = { DATABASE_URL: database.url }
const payloads = async () =>
  (await database.query('select message from pgmq.q_jobs order by msg_id')).map(({ message }) => message)

beforeAll(async () => {
  await database.query('create extension if not exists pgmq')
  await database.query(`select pgmq.create('jobs')`)
})
beforeEach(() => database.query('delete from pgmq.q_jobs'))

/** A file of lines in a folder of its own. */
async function fileOf(lines: readonly string[]): Promise<{ cwd: string; file: string }> {
  const cwd = await temporaryFolder()
  await writeFile(join(cwd, 'jobs.ndjson'), lines.map((line) => `${line}\n`).join(''))
  return { cwd, file: 'jobs.ndjson' }
}

const numbered = (total: number) => Array.from({ length: total }, (_, n) => `{"n":${n}}`)

describe('one message', () => {
  test('from the command line', async () => {
    const { code, stdout } = await aimq(['send', 'jobs', '{"to":"ada"}'], { env })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^✓ sent as jobs\/\d+\n$/)
    expect(await payloads()).toEqual([{ to: 'ada' }])
  })

  test('from stdin', async () => {
    const sent = await aimqJson(['send', 'jobs', '-'], { env, stdin: '{\n  "to": "ada"\n}\n' })
    expect(sent).toEqual({ queue: 'jobs', id: expect.stringMatching(/^\d+$/), duplicate: false })
    expect(await payloads()).toEqual([{ to: 'ada' }])
  })

  test('later, by a delay or at a time', async () => {
    await aimqJson(['send', 'jobs', '1', '--delay', '5m'], { env })
    await aimqJson(['send', 'jobs', '2', '--at', '2040-01-31T09:00:00Z'], { env })
    const rows = await database.query(
      `select round(extract(epoch from vt - enqueued_at)) as s, vt from pgmq.q_jobs order by msg_id`,
    )
    expect(Number(rows[0]?.s)).toBe(300)
    expect(rows[1]?.vt).toEqual(new Date('2040-01-31T09:00:00Z'))
  })
})

describe('idempotency keys', () => {
  test('without their table: what to run, which is enough', async () => {
    const { code, stderr } = await aimq(['send', 'jobs', '1', '--key', 'k'], { env })
    expect(code).toBe(78)
    expect(stderr).toContain('aimq install-keys')
    for (const _ of [1, 2]) {
      expect(await aimqJson(['install-keys'], { env })).toEqual({ table: 'aimq.idempotency_key' })
    }
    const { code: again, stdout } = await aimq(['install-keys'], { env })
    expect({ again, stdout }).toEqual({
      again: 0,
      stdout: expect.stringMatching(/^✓ .*aimq\.idempotency_key/),
    })
    expect(await aimqJson(['send', 'jobs', '1', '--key', 'k'], { env })).toMatchObject({ duplicate: false })
  })

  test('the same key twice is one message; of a file, by a field of each payload', async () => {
    const { stdout } = await aimq(['send', 'jobs', '1', '--key', 'k'], { env })
    expect(stdout).toMatch(/^= jobs\/\d+ was sent with this key before\n$/)
    const { cwd, file } = await fileOf(['{"id":"a"}', '{"id":"b"}', '{"id":"a"}'])
    const args = ['send', 'jobs', '--file', file, '--key-field', 'id']
    expect(await aimqJson(args, { env, cwd })).toMatchObject({ sent: 2, duplicates: 1 })
    expect(await aimqJson(args, { env, cwd })).toMatchObject({ sent: 0, duplicates: 3 })
    const bad = await fileOf(['{"id":"c"}', '{"name":"d"}'])
    const refused = await aimq(args, { env, cwd: bad.cwd })
    expect(refused.code).toBe(65)
    expect(refused.stderr).toContain('line 2: expected a text or a number in the field "id"')
  })
})

describe('a file', () => {
  test('every line, in batches', async () => {
    const lines = Array.from({ length: 2500 }, (_, n) => JSON.stringify({ n }))
    const { cwd, file } = await fileOf(lines)
    const { code, stdout } = await aimq(['send', 'jobs', '--file', file], { env, cwd })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '✓ sent 2,500 messages to jobs\n' })
    expect(await payloads()).toEqual(lines.map((line) => JSON.parse(line)))
  })

  test('from stdin', async () => {
    const sent = await aimqJson(['send', 'jobs', '--file', '-'], { env, stdin: '{"n":1}\n\n{"n":2}' })
    expect(sent).toMatchObject({ complete: true, sent: 2, nextLine: 4 })
  })

  test('with bad lines: their numbers, and nothing is sent', async () => {
    const { cwd, file } = await fileOf(['{"n":1}', '{"n":', '[1,2,}', '{"id":12345678901234567890}'])
    const { code, stdout, stderr } = await aimq(['send', 'jobs', '--file', file], { env, cwd })
    expect({ code, stdout }).toEqual({ code: 65, stdout: '' })
    expect(stderr).toMatchInlineSnapshot(`
      "aimq: jobs.ndjson: 3 lines cannot be sent, and nothing was; mend them, or send the rest with --skip-bad
        line 2: expected JSON, but it ends too early, at column 6
        line 3: expected JSON, got a stray "}" at column 6
        line 4: the number 12345678901234567890 would lose digits; write it as a string
      "
    `)
    expect(await payloads()).toEqual([])
  })

  test('--skip-bad sends the rest, and the rejects can be mended and sent', async () => {
    const { cwd, file } = await fileOf(['{"n":1}', 'nonsense', '{"n":3}'])
    const args = ['send', 'jobs', '--file', file, '--skip-bad', '--rejects', 'rejects.ndjson']
    const { code, stdout, stderr } = await aimq(args, { env, cwd })
    expect({ code, stdout }).toEqual({ code: 3, stdout: '! sent 2 messages to jobs, left out 1 line\n' })
    expect(stderr).toContain('line 2: expected JSON')
    expect(await readFile(join(cwd, 'rejects.ndjson'), 'utf8')).toBe('nonsense\n')
    const again = await aimq(args, { env, cwd })
    expect(again.code).toBe(66)
    expect(again.stderr).toContain('not overwritten')
    expect(await payloads()).toEqual([{ n: 1 }, { n: 3 }])
  })

  test('what the queue refuses is found in its batch', async () => {
    const big = JSON.stringify({ text: 'x'.repeat(300_000) })
    const { cwd, file } = await fileOf(['{"n":1}', big, '{"n":3}'])
    const { code, stdout } = await aimq(['send', 'jobs', '--file', file, '--skip-bad', '--json'], {
      env,
      cwd,
    })
    expect(code).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({ sent: 2, skipped: [{ line: 2 }], complete: true })
    expect(await payloads()).toEqual([{ n: 1 }, { n: 3 }])
  })

  test('what the queue refuses in the middle: which line, and going on from there sends the rest once', async () => {
    const big = JSON.stringify('x'.repeat(300_000))
    const { cwd, file } = await fileOf(['1', '2', big, '4', '5'])
    const { code, stderr } = await aimq(['send', 'jobs', '--file', file], { env, cwd })
    expect(code).toBe(65)
    expect(stderr).toMatch(/line 3: .*262144/)
    expect(stderr).toContain(
      'stopped after 2 messages; go on with: aimq send jobs --file jobs.ndjson --from-line 3',
    )
    await aimq(['send', 'jobs', '--file', file, '--from-line', '3', '--skip-bad'], { env, cwd })
    expect(await payloads()).toEqual([1, 2, 4, 5])
  })

  test('from a line on', async () => {
    const { cwd, file } = await fileOf(['{"n":1}', '{"n":2}', '{"n":3}'])
    await aimqJson(['send', 'jobs', '--file', file, '--from-line', '3'], { env, cwd })
    expect(await payloads()).toEqual([{ n: 3 }])
  })
})

test('Ctrl-C in the middle says what was sent and how to go on, and going on sends the rest once', async () => {
  const total = 100_000
  const { cwd, file } = await fileOf(numbered(total))
  const sending = await start(['send', 'jobs', '--file', file, '--batch', '200'], { env, cwd })
  while ((await database.query('select 1 from pgmq.q_jobs limit 1')).length === 0);
  sending.child.kill('SIGINT')
  const { code, stderr } = await sending.ended()
  expect(code).toBe(130)
  const [, sent, line] =
    /interrupted after ([\d,]+) messages; go on with: .* --from-line (\d+)/.exec(stderr) ?? []
  const count = async () => Number((await database.query('select count(*) from pgmq.q_jobs'))[0]?.count)
  expect(await count()).toBe(Number(sent?.replaceAll(',', '')))
  expect(await count()).toBeLessThan(total)
  await aimqJson(['send', 'jobs', '--file', file, '--from-line', String(line)], { env, cwd })
  expect(await count()).toBe(total)
  expect(await database.query(`select count(distinct message->>'n')::int as n from pgmq.q_jobs`)).toEqual([
    { n: total },
  ])
})

test('a database that goes away in the middle: what was sent, and how to go on', async () => {
  const { cwd, file } = await fileOf(numbered(100_000))
  const sending = await start(['send', 'jobs', '--file', file, '--batch', '200'], { env, cwd })
  while ((await database.query('select 1 from pgmq.q_jobs limit 1')).length === 0);
  await database.query('drop table pgmq.q_jobs cascade')
  const { code, stderr } = await sending.ended()
  expect(code).toBe(78)
  expect(stderr).toMatch(
    /stopped after [\d,]+ messages; go on with: aimq send jobs --file jobs.ndjson --from-line \d+/,
  )
  await database.query(`delete from pgmq.meta where queue_name = 'jobs'`)
  await database.query('drop table pgmq.a_jobs')
  await database.query(`select pgmq.create('jobs')`)
})

describe('stdin whose writer takes its time', () => {
  const until = async (total: number) => {
    while ((await payloads()).length < total) await sleep(20)
  }

  test('what has come is sent, and does not wait for a full batch', async () => {
    const sending = await start(['send', 'jobs', '--file', '-'], { env, stdinStaysOpen: true })
    sending.child.stdin?.write('{"n":1}\n{"n":2}\n')
    await until(2)
    sending.child.stdin?.write('{"n":3}\n')
    await until(3)
    sending.child.stdin?.end('{"n":4}')
    expect(await sending.ended()).toMatchObject({ code: 0, stdout: '✓ sent 4 messages to jobs\n' })
  })

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('%s ends it, and says what was sent', async (signal, code) => {
    const sending = await start(['send', 'jobs', '--file', '-'], { env, stdinStaysOpen: true })
    sending.child.stdin?.write('{"n":1}\n')
    await until(1)
    sending.child.kill(signal)
    const ended = await sending.ended()
    expect(ended.code).toBe(code)
    expect(ended.stderr).toContain('interrupted after 1 message; every line before line 2 was dealt with')
  })

  test('the same before anything came, and of one payload', async () => {
    for (const args of [
      ['send', 'jobs', '--file', '-'],
      ['send', 'jobs', '-'],
    ]) {
      const sending = await start(args, { env, stdinStaysOpen: true })
      // It listens for signals before it reads; what it prints first comes after that.
      if (args.includes('--file')) await sending.saw(/on the database/)
      else await sleep(1500)
      sending.child.kill('SIGTERM')
      expect((await sending.ended()).code).toBe(143)
    }
    expect(await payloads()).toEqual([])
  })
})

test('Ctrl-C while a file is still checked: nothing was sent', async () => {
  // Big enough that checking takes a while; its end never comes into it.
  const { cwd, file } = await fileOf(numbered(3_000_000))
  const sending = await start(['send', 'jobs', '--file', file], { env, cwd })
  await sleep(1000)
  sending.child.kill('SIGINT')
  const { code, stderr } = await sending.ended()
  expect(code).toBe(130)
  expect(stderr).toContain('interrupted after 0 messages; go on with: aimq send jobs --file jobs.ndjson')
  expect(await payloads()).toEqual([])
}, 120_000)
