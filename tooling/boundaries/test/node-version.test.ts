import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const read = (name: string) => readFile(join(import.meta.dirname, '../../..', name), 'utf8')

it('what packages ask of Node is checked against the Node that is installed for them', async () => {
  const [, checked] = /^nodeVersion: (.+)$/m.exec(await read('pnpm-workspace.yaml')) ?? []
  const [, installed] = /^ {2}node@(.+):$/m.exec(await read('pnpm-lock.yaml')) ?? []
  expect(installed).toMatch(/^\d+\.\d+\.\d+$/)
  expect(checked).toBe(installed)
})
