/*
 * Samples of a version of the contract, as they stand on the wire. They are never edited once that version is published:
 * a later contract must still accept all of them. They are written out in full, because the compiler sees that a field
 * is gone only in a literal, not behind a constant or a spread. Each has every field it may have, also where some exclude
 * each other in life.
 *
 * Names may be absent, because a version does not know what came after it. `test/golden.test.ts` sees to it that the
 * newest samples leave nothing out.
 */
import type { Facts, RequestInput, RequestName, RequestOutput } from '../src/index.ts'

export type FactSamples = { readonly [Name in keyof Facts]?: Facts[Name] }

export type RequestSamples = {
  readonly [Name in RequestName]?: {
    readonly input: RequestInput<Name>
    readonly output: RequestOutput<Name>
  }
}
