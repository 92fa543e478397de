import { chmod, mkdir, readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { x as unpack } from 'tar'
import { connect } from './connect.ts'
import { makeWhole } from './make-whole.ts'
import { openToAll } from './open-to-all.ts'

/**
 * Unpacks pgmq's SQL files below `extensions`, once per version, and gives the folder for `extension_control_path`.
 * Genuine pgmq: the package it comes in was made for PGlite, but its tarball holds the extension's own files.
 */
export async function unpackPgmq(extensions: string): Promise<string> {
  const dist = dirname(createRequire(import.meta.url).resolve('@electric-sql/pglite-pgmq'))
  const manifest = await readFile(join(dist, '..', 'package.json'), 'utf8')
  const folder = join(extensions, `pglite-pgmq-${(JSON.parse(manifest) as { version: string }).version}`)
  await mkdir(extensions, { recursive: true })
  await chmod(extensions, 0o755)
  if (!(await isFolder(folder))) {
    await makeWhole(folder, async (draft) => {
      await mkdir(draft)
      await unpack({ file: join(dist, 'pgmq.tar.gz'), cwd: draft, preserveOwner: false })
      await openToAll(draft)
    })
  }
  return join(folder, 'share', 'postgresql')
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
}

/**
 * Makes pgmq available in the database `postgres`, and in `template1`, which every new database is a copy of.
 * `postgres` comes last: once it has pgmq both have, so that a start in the normal case leaves `template1` alone
 * (a session there makes a `create database` of somebody else wait).
 */
export async function installPgmq(port: number): Promise<void> {
  await using postgres = await connect(port, 'postgres')
  const { rows } = await postgres.query("select from pg_extension where extname = 'pgmq'")
  if (rows.length > 0) return
  {
    await using template = await connect(port, 'template1')
    await template.query('create extension if not exists pgmq')
  }
  await postgres.query('create extension if not exists pgmq')
}
