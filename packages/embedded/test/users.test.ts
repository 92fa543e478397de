import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { completeLibraries, findBinaries, programPath } from '../src/binaries.ts'
import { isReachable, makeReachable } from '../src/reachable-home.ts'
import { expectStopped, query, setup } from './setup.ts'

/** What may be done depends on who runs the tests; either way something is tested. */
const asRoot = process.getuid?.() === 0
const nobody = { uid: 65_534, gid: 65_534 }

test('data asked for in a folder that only this user may enter works and persists', async () => {
  await using bundle = await setup()
  const closed = join(bundle.folder, 'closed')
  await mkdir(closed, { mode: 0o700 })
  const dataDir = join(closed, 'data')
  const first = await bundle.start({ dataDir })
  await query(first.connectionString, `select pgmq.create('emails')`)
  await first.stop()
  const second = await bundle.start({ dataDir, temporary: true })
  expect(second.dataDir).toBe(first.dataDir)
  expect(await query(second.connectionString, 'select queue_name from pgmq.list_queues()')).toEqual([
    { queue_name: 'emails' },
  ])
  expect((await stat(closed)).mode & 0o777).toBe(0o700)
  if (asRoot) {
    expect(second.dataDir).toMatch(/\/aimq-[0-9a-f]{16}$/)
    expect(await readFile(join(dataDir, 'WHERE-THE-DATA-IS.txt'), 'utf8')).toContain(second.dataDir)
  } else {
    expect(second.dataDir).toBe(dataDir)
  }
  await second.stop()
  expect(await readdir(closed)).toEqual([])
  await expect(stat(second.dataDir)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('the server does not run as root, and its data is closed to others', async () => {
  await using bundle = await setup()
  const { dataDir } = await bundle.start()
  const { uid, mode } = await stat(join(dataDir, 'pgdata'))
  expect(uid === 0).toBe(false)
  expect(mode & 0o777).toBe(0o700)
})

test('an ordinary user starts the server on a folder of his own', async () => {
  await using bundle = await setup()
  if (!asRoot) {
    const embedded = await bundle.start()
    expect((await stat(join(embedded.dataDir, 'pgdata'))).uid).toBe(process.getuid?.())
    return
  }
  const dataDir = join(bundle.folder, 'of-nobody')
  await mkdir(dataDir)
  await run('chown', [`${nobody.uid}:${nobody.gid}`, dataDir])
  const starter = await bundle.startElsewhere({ dataDir }, nobody)
  if (await isReachable(dirname(import.meta.filename), nobody)) {
    expect(starter).toMatchObject({ joined: false, dataDir })
    expect((await stat(join(dataDir, 'pgdata'))).uid).toBe(nobody.uid)
    // Root joins it as well, and does not take it over.
    const joined = await bundle.start({ dataDir })
    expect(joined.joined).toBe(true)
    await joined.stop()
    await starter.stop()
    await expectStopped(starter)
    const restarted = await bundle.start({ dataDir })
    expect((await stat(join(restarted.dataDir, 'pgdata', 'postmaster.pid'))).uid).toBe(nobody.uid)
  } else {
    // This clone is closed to him, so are the binaries in it.
    expect(starter.code).toMatch(/^embedded\//)
  }
})

test('binaries are copied for the server user exactly when he cannot reach them', async () => {
  await using bundle = await setup()
  const real = await findBinaries()
  const build = `test-${process.pid}-${Date.now()}`
  const closed = join(bundle.folder, 'closed')
  await mkdir(closed, { mode: 0o700 })
  const native = join(closed, 'native')
  await cp(real.native, native, { recursive: true, verbatimSymlinks: true })
  if (!asRoot) {
    const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
    expect((await makeReachable({ ...real, native }, user)).native).toBe(native)
    return
  }
  // As a strict umask would have installed them.
  await run('chmod', ['-R', 'go-rwx', native])
  const copies = await Promise.all([1, 2, 3].map(() => makeReachable({ ...real, build, native }, nobody)))
  const copy = copies[0]?.native ?? ''
  try {
    expect(new Set(copies.map((one) => one.native)).size).toBe(1)
    expect(copy).not.toBe(native)
    const child = spawn(programPath({ native: copy }, 'postgres'), ['--version'], { ...nobody, cwd: '/' })
    expect(await once(child, 'exit')).toEqual([0, null])
    await chmod(closed, 0o755)
    await run('chmod', ['-R', 'go+rX', native])
    expect((await makeReachable({ ...real, build, native }, nobody)).native).toBe(native)
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
})

test('library links that a blocked install script left out are made', async () => {
  await using bundle = await setup()
  const { native } = await findBinaries()
  const bare = join(bundle.folder, 'native')
  await cp(native, bare, { recursive: true, verbatimSymlinks: true })
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]'))
  for (const { target } of links as { target: string }[]) await rm(join(bundle.folder, target))
  await Promise.all([completeLibraries(bare), completeLibraries(bare)])
  for (const { target } of links as { target: string }[]) {
    expect((await stat(join(bundle.folder, target))).size).toBeGreaterThan(0)
  }
  const child = spawn(programPath({ native: bare }, 'initdb'), ['--version'])
  expect(await once(child, 'exit')).toEqual([0, null])
})

async function run(file: string, args: readonly string[]): Promise<void> {
  expect(await once(spawn(file, args), 'exit')).toEqual([0, null])
}
