import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { postmasterOf, query, setup } from './setup.ts'

test('data outlives stop and start', async () => {
  await using bundle = await setup()
  const first = await bundle.start()
  await query(first.connectionString, `select pgmq.create('emails')`)
  await query(first.connectionString, `select pgmq.send('emails', '1')`)
  await first.stop()
  const second = await bundle.start()
  expect(second.joined).toBe(false)
  expect(await query(second.connectionString, `select message from pgmq.read('emails', 30, 10)`)).toEqual([
    { message: 1 },
  ])
})

test('the next start recovers what was committed before postgres was killed', async () => {
  await using bundle = await setup()
  let embedded = await bundle.start()
  await query(embedded.connectionString, `select pgmq.create('emails')`)
  // Several times, as each time the killed server is found at another moment of its end.
  for (const sent of [1, 2, 3, 4, 5]) {
    await query(embedded.connectionString, `select pgmq.send('emails', '${sent}')`)
    const pid = await postmasterOf(embedded.dataDir)
    process.kill(Number(pid), 'SIGKILL')
    embedded = await bundle.start()
    expect(embedded.joined).toBe(false)
    expect(await postmasterOf(embedded.dataDir)).not.toBe(pid)
    const [row] = await query(embedded.connectionString, 'select count(*)::int from pgmq.q_emails')
    expect(row).toEqual({ count: sent })
  }
})

test('a stale pid file that names a living stranger does not stop a start', async () => {
  await using bundle = await setup()
  const first = await bundle.start()
  const file = join(first.dataDir, 'pgdata', 'postmaster.pid')
  const lines = (await readFile(file, 'utf8')).split('\n')
  process.kill(Number(lines[0]), 'SIGKILL')
  // Of the server's user, as PostgreSQL believes the pid of such a process only.
  const { user } = await import('../src/data-home.ts').then((home) => home.prepareDataHome(bundle.dataDir))
  const stranger = spawn('sleep', ['1000'], { ...user, cwd: '/' })
  await once(stranger, 'spawn')
  try {
    await writeFile(file, [String(stranger.pid), ...lines.slice(1)].join('\n'))
    const second = await bundle.start()
    expect(await query(second.connectionString, 'select 1 as one')).toEqual([{ one: 1 }])
    await second.stop()
  } finally {
    stranger.kill('SIGKILL')
  }
})

test('temporary deletes the data, and nothing else', async () => {
  await using bundle = await setup()
  await mkdir(bundle.dataDir)
  await writeFile(join(bundle.dataDir, 'mine.txt'), 'mine')
  const embedded = await bundle.start({ temporary: true })
  await embedded.stop()
  expect(await readdir(bundle.dataDir)).toEqual(['mine.txt'])
})

test('temporary removes a folder that was made for the data', async () => {
  await using bundle = await setup()
  const embedded = await bundle.start({ temporary: true })
  expect(await readFile(join(bundle.dataDir, '.gitignore'), 'utf8')).toBe('*\n')
  await embedded.stop()
  expect(await readdir(bundle.folder)).toEqual([])
})

test('data of another major version is refused and kept', async () => {
  await using bundle = await setup()
  await mkdir(join(bundle.dataDir, 'pgdata'), { recursive: true })
  await writeFile(join(bundle.dataDir, 'pgdata', 'PG_VERSION'), '15\n')
  await expect(bundle.start({ temporary: true })).rejects.toMatchObject({
    code: 'embedded/data-dir-version',
    message: expect.stringMatching(/expected data of PostgreSQL 18 .* made by PostgreSQL 15/),
  })
  expect(await readFile(join(bundle.dataDir, 'pgdata', 'PG_VERSION'), 'utf8')).toBe('15\n')
})

test('a data folder that cannot be made is a clean error', async () => {
  await using bundle = await setup()
  await writeFile(join(bundle.folder, 'file'), '')
  await expect(bundle.start({ dataDir: join(bundle.folder, 'file', 'data') })).rejects.toMatchObject({
    code: 'embedded/data-dir-not-writable',
    message: expect.stringContaining('ENOTDIR'),
  })
})
