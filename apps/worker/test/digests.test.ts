import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { digests } from '../src/handlers/digests.ts'
import { runHandler } from './support/job.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

async function setup() {
  const parent = await temporaryFolder()
  const root = join(parent, 'root')
  await mkdir(join(root, 'inside'), { recursive: true })
  await writeFile(join(parent, 'outside.txt'), 'secret')
  const notes: string[] = []
  const handler = digests({ root, note: (_job, text) => notes.push(text) })
  return {
    parent,
    root,
    notes,
    run: (path: string, signal?: AbortSignal) => runHandler(handler, { path }, signal && { signal }),
  }
}

test('finds the digest, the size and the lines of a file', async () => {
  const { root, run, notes } = await setup()
  await writeFile(join(root, 'inside', 'a.txt'), 'one\ntwo\nno newline at the end')
  expect(await run('inside/a.txt')).toBeUndefined()
  const sha256 = createHash('sha256').update('one\ntwo\nno newline at the end').digest('hex')
  expect(notes).toEqual([`inside/a.txt  2 lines, 29 B, sha256 ${sha256.slice(0, 8)}…`])
})

test('streams: a large file costs no memory', async () => {
  const { root, run, notes } = await setup()
  await writeFile(join(root, 'large'), '')
  await truncate(join(root, 'large'), 2 ** 28)
  const before = process.memoryUsage().rss
  await run('large')
  expect(notes[0]).toContain(`0 lines, ${2 ** 28} B`)
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20)
})

test('stops in the middle of a file when its signal aborts', async () => {
  const { root, run } = await setup()
  await writeFile(join(root, 'large'), '')
  await truncate(join(root, 'large'), 2 ** 40)
  const stop = new AbortController()
  const running = run('large', stop.signal)
  stop.abort()
  await expect(running).rejects.toThrow(/abort/i)
})

test('follows a link that stays inside', async () => {
  const { root, run, notes } = await setup()
  await writeFile(join(root, 'a.txt'), 'a')
  await symlink(join(root, 'a.txt'), join(root, 'inside', 'link'))
  expect(await run('inside/link')).toBeUndefined()
  expect(notes).toHaveLength(1)
})

test.each([
  ['goes up', '../outside.txt', 'is outside the root folder'],
  ['goes up to nothing', '../no-such-file', 'is outside the root folder'],
  ['goes up and hides it', 'inside/../../outside.txt', 'is outside the root folder'],
  ['is absolute', '/etc/passwd', 'is outside the root folder'],
  ['goes through a link to a file', 'link-to-file', 'is outside the root folder'],
  ['goes through a link to a folder', 'link-to-folder/outside.txt', 'is outside the root folder'],
  ['is nothing', 'nowhere.txt', 'does not exist'],
  ['goes through a file', 'a.txt/b', 'does not exist'],
  ['is a folder', 'inside', 'is not a regular file'],
  ['is the root', '.', 'is not a regular file'],
  ['is a pipe', 'pipe', 'is not a regular file'],
  ['is a link to itself', 'loop', 'is a symbolic link that leads nowhere'],
])('gives up, with the reason, on a path that %s', async (_name, path, reason) => {
  const { parent, root, run, notes } = await setup()
  await writeFile(join(root, 'a.txt'), 'a')
  await symlink(join(parent, 'outside.txt'), join(root, 'link-to-file'))
  await symlink(parent, join(root, 'link-to-folder'))
  await symlink('loop', join(root, 'loop'))
  execFileSync('mkfifo', [join(root, 'pipe')])
  expect(await run(path)).toMatchObject({ kind: 'dead-letter', reason: `${path} ${reason}` })
  expect(notes).toEqual([])
})
