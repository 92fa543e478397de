import { expect, test } from 'vitest'
import { durationMs, moment, whole } from '../src/command.ts'
import { count, counted, duration } from '../src/show.ts'

test.each([
  ['250ms', 250],
  ['90', 90_000],
  ['1.5h', 5_400_000],
  ['5m', 300_000],
  ['1d', 86_400_000],
])('%s is %d milliseconds', (text, ms) => {
  expect(durationMs(text)).toBe(ms)
})

test.each(['', '5 minutes', '-1s', '1w', 'NaN', '0x10', '1e3'])('%j is no time span', (text) => {
  expect(() => durationMs(text)).toThrow('30s')
})

test('a moment needs a date; without a zone it is local', () => {
  expect(moment('2030-01-31T09:00:00Z')).toBe(Date.UTC(2030, 0, 31, 9))
  expect(moment('2030-01-31 09:00')).toBe(new Date(2030, 0, 31, 9).getTime())
  for (const text of ['tomorrow', '5', '2030-13-01', ''])
    expect(() => moment(text)).toThrow('expected a time')
})

test('a whole number keeps its bounds', () => {
  expect(whole(1, 10)('10')).toBe(10)
  for (const text of ['0', '11', '1.5', '-1', 'x', '', '１'])
    expect(() => whole(1, 10)(text)).toThrow('1 to 10')
})

test('durations and counts as people read them', () => {
  expect([0.5, 47, 1234, 59_999, 293_000, 7_500_000, 273_600_000].map(duration)).toEqual([
    '0.5 ms',
    '47 ms',
    '1.2 s',
    '1 min 0 s',
    '4 min 53 s',
    '2 h 5 min',
    '3 d 4 h',
  ])
  expect([count(1_234_567), counted(1, 'message'), counted(0, 'message')]).toEqual([
    '1,234,567',
    '1 message',
    '0 messages',
  ])
})
