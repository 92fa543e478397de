import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { rooms } from '../workloads/rooms.ts'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

it('measures memory with the flags that Node is given wherever a worker is started for somebody', () => {
  const [deployed] = rooms(512)
  expect(deployed?.flags).toEqual(['--max-semi-space-size=8', '--heap-growing-percent=100'])
  const flags = [...(deployed?.flags ?? [])]
  expect(JSON.parse(read('package.json')).scripts.start.split(' ')).toEqual(expect.arrayContaining(flags))
  for (const dockerfile of ['apps/worker/Dockerfile', 'packages/cli/scaffold/Dockerfile']) {
    const [, entrypoint = '[]'] = /^ENTRYPOINT (.*)$/m.exec(read(dockerfile)) ?? []
    expect(JSON.parse(entrypoint).slice(1, 3)).toEqual(flags)
  }
})
