import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { expectStopped, setup } from './setup.ts'

const packageFolder = join(import.meta.dirname, '..')

test.each([
  ['README.md', /```ts\n(.*?)```/s, `[ { msg_id: '1', message: { to: 'ada' } } ]\n`],
  ['src/index.ts', / \* ```ts\n(.*?) \* ```/s, ''],
])('the example of %s runs as it stands', async (file, block, output) => {
  await using bundle = await setup()
  const text = await readFile(join(packageFolder, file), 'utf8')
  const example = (block.exec(text)?.[1] ?? '').replaceAll(/^ \* ?/gm, '')
  expect(example.split('\n').length).toBeLessThan(22)
  await writeFile(join(bundle.folder, 'example.mts'), example)
  // As if it were installed there.
  await mkdir(join(bundle.folder, 'node_modules', '@aimq'), { recursive: true })
  await symlink(packageFolder, join(bundle.folder, 'node_modules', '@aimq', 'embedded'))
  await symlink(join(packageFolder, 'node_modules', 'pg'), join(bundle.folder, 'node_modules', 'pg'))
  const child = spawn(process.execPath, ['--conditions=@aimq/source', 'example.mts'], { cwd: bundle.folder })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += chunk
    })
  }
  const [exitCode] = await once(child, 'close')
  expect({ exitCode, said }).toEqual({ exitCode: 0, said: output })
  await expectStopped({ port: 1, dataDir: join(bundle.folder, '.aimq') })
})
