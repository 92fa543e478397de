import { eventsErrorCodes } from '@aimq/events'
import { expect, test } from 'vitest'
import { describeFailure, unavailable } from '../../../packages/cli/src/failure.ts'
import { embeddedErrorCodes } from '../../../packages/embedded/src/errors.ts'
import { queueErrorCodes } from '../../../packages/queue/src/errors.ts'
import { realtimeErrorCodes } from '../../../packages/realtime/src/errors.ts'
import { triggersErrorCodes } from '../../../packages/triggers/src/errors.ts'

/*
 * The command line sees the codes of packages that it does not import, so nothing but this notices a code that was renamed
 * or never was.
 */
const codes = [
  eventsErrorCodes,
  embeddedErrorCodes,
  queueErrorCodes,
  realtimeErrorCodes,
  triggersErrorCodes,
].flatMap((of): string[] => Object.values(of))

const exitOf = (code: string) => describeFailure(Object.assign(new Error('it is so'), { code }), 'aimq').code

test.each([...unavailable])('%s, after which trying again may help, is a code of a package', (code) => {
  expect(codes).toContain(code)
})

test.each(['triggers/busy', 'triggers/unreachable', 'queue/contended'])('%s: 69', (code) => {
  expect(exitOf(code)).toBe(69)
})

test('no code of a package is an error that nobody foresaw', () => {
  expect(codes.filter((code) => exitOf(code) === 1)).toEqual([])
})
