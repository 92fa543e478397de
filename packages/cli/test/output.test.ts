import { execFile } from 'node:child_process'
import { PassThrough } from 'node:stream'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { openOutput } from '../src/start/output.ts'

const source = new URL('../src/start/output.ts', import.meta.url).href

/** What a process prints that begins with `openOutput(process.stdout)`. */
async function printed(program: string): Promise<string> {
  const code = `const { openOutput } = await import('${source}'); const output = openOutput(process.stdout, () => {}); ${program}`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code])
  return stdout
}

test('lines of one turn are one write, in their order, and what is written at once is never before them', async () => {
  const chunks: string[] = []
  const stream = new PassThrough()
  stream.on('data', (chunk) => chunks.push(String(chunk)))
  const output = openOutput(stream as unknown as NodeJS.WriteStream, () => {})
  output.writeSoon('1 ')
  output.writeSoon('2 ')
  output.write('3 ')
  output.writeSoon('4 ')
  output.writeSoon('5 ')
  await new Promise((resolve) => setImmediate(resolve))
  output.writeSoon('6 ')
  await new Promise((resolve) => setImmediate(resolve))
  expect(chunks).toEqual(['1 2 3 ', '4 5 ', '6 '])
})

test.each([
  ['exits in the same turn', 'process.exit(0)'],
  ['ends by itself', ''],
])('a process that %s has written all', async (_what, end) => {
  expect(await printed(`output.write('a'); output.writeSoon('b'); output.writeSoon('c'); ${end}`)).toBe('abc')
})

test('a flush writes what was to be written soon, once', async () => {
  const killed = printed(
    "output.writeSoon('b'); output.flush(); output.flush(); process.kill(process.pid, 'SIGKILL')",
  )
  await expect(killed).rejects.toMatchObject({ signal: 'SIGKILL', stdout: 'b' })
})

test('what is written at once is there before a handler can take the process down', async () => {
  const killed = printed("output.writeSoon('b'); output.write('c'); process.kill(process.pid, 'SIGKILL')")
  await expect(killed).rejects.toMatchObject({ signal: 'SIGKILL', stdout: 'bc' })
})
