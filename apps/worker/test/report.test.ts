import { createReport, duration, type EndedJob } from '@aimq/cli/start'
import { expect, test } from 'vitest'

function linesOf(job: Partial<EndedJob>, columns: number): string[] {
  let text = ''
  const output = { isTerminal: false, columns: () => columns, write: (more: string) => (text += more) }
  const ended = { queue: 'webhooks', id: '7', attempt: 1, waitedMs: 1, durationMs: 2, ...job } as EndedJob
  createReport(output).job(ended)
  return text.trimEnd().split('\n')
}

const reason = `the payload is not usable: url: expected an http(s) URL without a user name or password in it, got ${'x'.repeat(90)}`

test('a reason that does not fit gets lines of its own, and is whole', () => {
  for (const columns of [60, 130]) {
    const [first, ...rest] = linesOf({ outcome: 'dead-lettered', reason }, columns)
    expect(first).toMatch(/✗ webhooks\/7 .*ran/)
    expect(
      rest
        .map((line) => line.trim())
        .join(' ')
        .replaceAll(/\s/g, ''),
    ).toBe(`dead letter: ${reason}`.replaceAll(/\s/g, ''))
    for (const line of rest) expect(line.length).toBeLessThanOrEqual(columns)
  }
})

test('a reason that fits stays in the line, and a success is cut', () => {
  expect(linesOf({ outcome: 'dead-lettered', reason: 'answered 410' }, 130)).toHaveLength(1)
  expect(linesOf({ outcome: 'completed', note: 'x'.repeat(300) }, 130)).toHaveLength(1)
})

test.each([
  [400, '1 s'],
  [293_000, '4 min 53 s'],
  [7_500_000, '2 h 5 min'],
])('%d ms are %s', (value, expected) => {
  expect(duration(value)).toBe(expected)
})
