import { chmod, mkdir, readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { x as unpack } from 'tar'
import type { Cluster } from './cluster.ts'
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

/** For `extension_control_path`; undefined where the server does not have that yet. */
export async function extensionFolder({ home, binaries }: Cluster): Promise<string | undefined> {
  return binaries.major < 18 ? undefined : await unpackPgmq(join(home, 'extensions'))
}

/**
 * Makes pgmq available in the database `postgres`, and in `template1`, which every new database is a copy of.
 * `postgres` comes last: once it has pgmq both have, so that a start in the normal case leaves `template1` alone
 * (a session there makes a `create database` of somebody else wait).
 */
export async function installPgmq(port: number, { home, binaries }: Cluster): Promise<void> {
  await using postgres = await connect(port, 'postgres')
  const { rows } = await postgres.query("select from pg_namespace where nspname = 'pgmq'")
  if (rows.length > 0) return
  const sql =
    binaries.major < 18
      ? await plainSql(await unpackPgmq(join(home, 'extensions')))
      : 'create extension if not exists pgmq'
  {
    await using template = await connect(port, 'template1')
    await template.query(sql)
  }
  await postgres.query(sql)
}

/** The same file, made to run on its own: it makes its schema and registers nothing. */
async function plainSql(folder: string): Promise<string> {
  const files = join(folder, 'extension')
  const control = await readFile(join(files, 'pgmq.control'), 'utf8')
  const version = /default_version = '([\d.]+)'/.exec(control)?.[1]
  return await readFile(join(files, `pgmq--${version}.sql`), 'utf8')
}
