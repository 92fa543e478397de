import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { readEnvFile } from '../src/env-file.ts'
import { type Line, readLines } from '../src/ndjson.ts'

async function linesOf(bytes: Uint8Array): Promise<Line[]> {
  const lines: Line[] = []
  for await (const line of readLines(Readable.from([Buffer.from(bytes)]), 1, new AbortController().signal))
    lines.push(line)
  return lines
}

test('NDJSON: every JSON value of a file comes back under the number of its line, whatever stands between', async () => {
  // Numbers that JavaScript cannot hold are refused, which other tests show.
  const exact = fc.jsonValue().filter((value) => !/\d{16}|e\+/.test(JSON.stringify(value)))
  const noise = fc.constantFrom('', ' ', '{', 'nul', '"open', '[1,]', '\u0000', '{"a":1}}')
  const file = fc.array(fc.oneof(fc.record({ json: exact }), noise), { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(file, fc.constantFrom('\n', '\r\n'), async (entries, newline) => {
      const text = entries.map((entry) => (typeof entry === 'string' ? entry : JSON.stringify(entry.json)))
      const lines = await linesOf(Buffer.from(text.join(newline)))
      const expected = entries.flatMap((entry, index) =>
        typeof entry === 'string' ? [] : [{ number: index + 1, payload: JSON.parse(text[index] ?? '') }],
      )
      const found = lines.filter(({ fault }) => fault === undefined)
      expect(found.map(({ number, payload }) => ({ number, payload }))).toEqual(expected)
    }),
  )
})

test('NDJSON: any bytes are lines with a payload or a fault, and never an exception', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
      for (const { fault, payload, text } of await linesOf(bytes)) {
        if (fault === undefined) expect(payload).toEqual(JSON.parse(text))
        else expect(() => JSON.parse(text)).toThrow()
      }
    }),
    { numRuns: 500 },
  )
})

test('.env: any bytes are values or faults by line, and never an exception; no fault repeats what it found', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aimq-env-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, '.env')
  const line = fc.oneof(
    fc.string(),
    fc.tuple(fc.stringMatching(/^[A-Z_]{1,8}$/), fc.string()).map(([name, value]) => `${name}=${value}`),
    fc.constant('sesame-canary without an equals sign'),
  )
  const text = fc.array(line, { maxLength: 12 }).map((lines) => Buffer.from(lines.join('\n')))
  await fc.assert(
    fc.asyncProperty(fc.oneof(text, fc.uint8Array({ maxLength: 200 })), async (bytes) => {
      await writeFile(path, bytes, { mode: 0o600 })
      const { values, faults } = readEnvFile('.env', folder, true)
      for (const value of Object.values(values)) expect(typeof value).toBe('string')
      for (const fault of faults) {
        expect(fault).toMatch(/^\.env(:\d+)?: expected /)
        expect(fault).not.toContain('sesame')
      }
    }),
    { numRuns: 300 },
  )
})
