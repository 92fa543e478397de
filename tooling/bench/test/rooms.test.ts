import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { rooms } from '../workloads/rooms.ts'

it('measures memory with the flags that both start scripts give to Node', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  const [deployed] = rooms(512)
  expect(deployed?.flags).toEqual(['--max-semi-space-size=8', '--heap-growing-percent=100'])
  expect(scripts.start.split(' ')).toEqual(expect.arrayContaining([...(deployed?.flags ?? [])]))
})
