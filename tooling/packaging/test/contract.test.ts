/* The contract only grows: today's declarations beside those of the previous release, as both were packed. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { extract } from 'tar'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { compareContracts, compareSamples } from '../harness/compare-contracts.ts'

const today = inject('packages').find(({ name }) => name === '@aimq/events')
const previous = inject('previous').find(({ name }) => name === '@aimq/events')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aimq-contracts-'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  for (const [name, release] of Object.entries({ today, previous })) {
    await mkdir(join(folder, name))
    await extract({ file: release?.tarball ?? '', cwd: join(folder, name), strip: 2 }, ['package/dist'])
  }
})
afterAll(() => rm(folder, { recursive: true }))

it('has every name and every field of the previous release, in the same meaning', async () => {
  expect(await compareContracts(folder, 'previous', 'today')).toEqual([])
})

it.each([
  ['previous', previous],
  ['today', today],
])('the samples of its version are those of the contract as it was packed: %s', async (name, release) => {
  const version = release?.version.split('.').slice(0, 2).join('.') ?? ''
  expect(await compareSamples(folder, name, version)).toEqual([])
})

describe('the comparison sees', () => {
  it.each([
    ['an event that is gone', 'job', "'job:enqueued'", "'job:sent'", '"job:enqueued"'],
    ['an optional field that is gone', 'job', 'readonly dueAt?', 'readonly due?', '"job:enqueued.dueAt"'],
    ['a field within another that is gone', 'realtime', 'canaryMs?', 'ms?', 'paths.canaryMs'],
    ['a request that is gone', 'queue', "'queue:peek'", "'queue:look'", '"queue:peek.input.limit"'],
    ['a field that has become required', 'job', 'count?', 'count', "Property 'count' is optional"],
    ['a field that may be absent now', 'job', 'source:', 'source?:', "Property 'source' is optional"],
    [
      'another type',
      'job',
      'source: string',
      'source: number',
      "'string' is not assignable to type 'number'",
    ],
  ])('%s', async (_what, owner, text, instead, fault) => {
    const changed = `changed-${owner}-${instead.replaceAll(/\W/g, '')}`
    await cp(join(folder, 'today'), join(folder, changed), { recursive: true })
    const file = join(folder, changed, `contract/${owner}.d.ts`)
    const declarations = await readFile(file, 'utf8')
    expect(declarations).toContain(text)
    await writeFile(file, declarations.replace(text, instead))
    expect((await compareContracts(folder, 'previous', changed)).join('\n')).toContain(fault)
  })
})
