import { describe, expect, it } from 'vitest'
import { describeStartFailure } from '../src/start/start-failure.ts'

const failed = (code: string) => Object.assign(new Error('it is said why'), { code })

describe('a worker that cannot start', () => {
  it.each([
    ['queue/unreachable', 69],
    // A standby, or a primary that is just being demoted: the same start works in a moment.
    ['queue/read-only', 69],
    ['triggers/busy', 69],
    ['queue/pgmq-missing', 78],
    ['events/invalid-connection', 2],
    ['realtime/invalid-options', 2],
  ])('ends for %s with %i, in one line', (code, exitCode) => {
    expect(describeStartFailure(failed(code), undefined, 'aimq')).toEqual({
      text: 'aimq: it is said why\n',
      code: exitCode,
    })
  })

  it('shows everything of what nobody foresaw', () => {
    expect(describeStartFailure(new TypeError('no such thing'), undefined, 'aimq')).toBeUndefined()
  })
})
