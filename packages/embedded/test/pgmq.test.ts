import { expect, test } from 'vitest'
import { query, setup } from './setup.ts'

test('pgmq creates a queue, sends and reads', async () => {
  await using bundle = await setup()
  const { connectionString } = await bundle.start()
  await query(connectionString, `select pgmq.create('emails')`)
  await query(connectionString, `select pgmq.send('emails', '{"to":"ada"}')`)
  const read = await query(
    connectionString,
    `select msg_id, read_ct, message from pgmq.read('emails', 30, 10)`,
  )
  expect(read).toEqual([{ msg_id: '1', read_ct: 1, message: { to: 'ada' } }])
})

test('every new database has pgmq', async () => {
  await using bundle = await setup()
  const { connectionString, port } = await bundle.start()
  await query(connectionString, 'create database fresh')
  const [row] = await query(
    `postgres://postgres:postgres@127.0.0.1:${port}/fresh`,
    `select extversion from pg_extension where extname = 'pgmq'`,
  )
  expect(row?.extversion).toMatch(/^1\.\d+\.\d+$/)
})

test('the server is durable, logical, loopback only and asks for a password', async () => {
  await using bundle = await setup()
  const { connectionString, port } = await bundle.start()
  const names = [
    'fsync',
    'wal_level',
    'listen_addresses',
    'unix_socket_directories',
    'max_connections',
    'TimeZone',
  ]
  const rows = await query(
    connectionString,
    `select name, setting from pg_settings where name in (${names.map((name) => `'${name}'`)})`,
  )
  expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
    fsync: 'on',
    wal_level: 'logical',
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    TimeZone: 'UTC',
  })
  const [locale] = await query(
    connectionString,
    `select pg_encoding_to_char(encoding) as encoding, datcollate, (select usesysid::text from pg_user where usename = 'postgres') from pg_database where datname = 'postgres'`,
  )
  expect(locale).toMatchObject({ encoding: 'UTF8', datcollate: 'C' })
  const wrong = query(`postgres://postgres:wrong@127.0.0.1:${port}/postgres`, 'select 1')
  await expect(wrong).rejects.toMatchObject({ code: '28P01' })
})

test('settings of the caller win, whatever characters they have', async () => {
  await using bundle = await setup()
  const { connectionString } = await bundle.start({
    settings: { fsync: 'off', max_connections: '50', 'aimq.note': `it's a \\ "note"` },
  })
  const [row] = await query(
    connectionString,
    `select current_setting('fsync') as fsync, current_setting('max_connections') as most, current_setting('aimq.note') as note`,
  )
  expect(row).toEqual({ fsync: 'off', most: '50', note: `it's a \\ "note"` })
})

test('a setting the server refuses is an error with the end of its log', async () => {
  await using bundle = await setup()
  await expect(bundle.start({ settings: { fsnyc: 'off' } })).rejects.toMatchObject({
    code: 'embedded/start-failed',
    message: expect.stringContaining('unrecognized configuration parameter "fsnyc"'),
  })
  await using embedded = await bundle.start()
  expect(embedded.joined).toBe(false)
})
