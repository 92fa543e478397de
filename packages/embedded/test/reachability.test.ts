import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { canRead, findBarrier } from '../src/reachability.ts'
import { setup } from './setup.ts'

const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
const stranger = { uid: 4711, gid: 4711 }
const groupMate = { uid: 4711, gid: me.gid }

test.each([
  { mode: 0o700, user: stranger, open: false },
  { mode: 0o711, user: stranger, open: true },
  { mode: 0o744, user: stranger, open: false },
  { mode: 0o710, user: groupMate, open: true },
  // Exactly one class applies: the group's, though others could pass.
  { mode: 0o701, user: groupMate, open: false },
  { mode: 0o700, user: me, open: true },
  { mode: 0o677, user: me, open: false },
])('a folder of mode $mode is open for $user: $open', async ({ mode, user, open }) => {
  await using bundle = await setup()
  const gate = join(bundle.folder, 'gate')
  const inside = join(gate, 'inside')
  await mkdir(inside, { recursive: true })
  await chmod(gate, 0o755)
  await chmod(inside, 0o755)
  try {
    await chmod(gate, mode)
    // An ordinary user could not even look behind a gate closed to himself.
    const target = user === me ? gate : inside
    expect(await findBarrier(target, user)).toBe(open ? undefined : gate)
  } finally {
    await chmod(gate, 0o755)
  }
})

test('a file needs its own bits besides an open way', async () => {
  await using bundle = await setup()
  const file = join(bundle.folder, 'program')
  await writeFile(file, '')
  await chmod(file, 0o744)
  expect(await canRead(file, stranger)).toBe(true)
  expect(await canRead(file, stranger, true)).toBe(false)
  await chmod(file, 0o755)
  expect(await canRead(file, stranger, true)).toBe(true)
  await chmod(bundle.folder, 0o700)
  expect(await canRead(file, stranger, true)).toBe(false)
  await chmod(bundle.folder, 0o755)
})
