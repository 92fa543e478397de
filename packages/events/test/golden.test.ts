import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { facts as facts01 } from '../golden/v0.1/facts.ts'
import { requests as requests01 } from '../golden/v0.1/requests.ts'
import { facts as facts02 } from '../golden/v0.2/facts.ts'
import { requests as requests02 } from '../golden/v0.2/requests.ts'
import { createBus, type FactName, type Facts, type RequestName, type Requests } from '../src/index.ts'
import type { Paths } from './paths.ts'

const newest = { facts: facts02, requests: requests02 }
const versions = { '0.1': { facts: facts01, requests: requests01 }, '0.2': newest }

it('there are samples of every version, up to this one', async () => {
  const folders = await readdir(new URL('../golden', import.meta.url))
  const found = folders.flatMap((folder) => /^v(.+)$/.exec(folder)?.[1] ?? [])
  expect(found.toSorted()).toEqual(Object.keys(versions))
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
  expect(version).toMatch(new RegExp(`^${Object.keys(versions).at(-1)}\\.`))
  expect(newest).toBe(Object.values(versions).at(-1))
})

// Checked by the compiler, which names what has no sample: the newest has every name and every optional field.
it('the newest samples leave nothing of the contract out', () => {
  expectTypeOf<Exclude<Paths<Facts>, Paths<typeof newest.facts>>>().toBeNever()
  expectTypeOf<Exclude<Paths<Requests>, Paths<typeof newest.requests>>>().toBeNever()
})

describe.each(Object.entries(versions))('contract %s', (_version, { facts, requests }) => {
  it.each(Object.entries(facts))('%s is plain JSON and reaches a listener unchanged', (name, sample) => {
    const bus = createBus()
    const heard: unknown[] = []
    bus.on(name as FactName, (fact) => heard.push(fact))
    bus.emit(name as FactName, JSON.parse(JSON.stringify(sample)))
    expect(heard).toEqual([sample])
  })

  it.each(Object.entries(requests))(
    '%s is plain JSON and is answered unchanged',
    async (name, { input, output }) => {
      const bus = createBus()
      const asked: unknown[] = []
      bus.handle(name as RequestName, async (given) => {
        asked.push(given)
        return JSON.parse(JSON.stringify(output))
      })
      expect(await bus.request(name as RequestName, JSON.parse(JSON.stringify(input)))).toEqual(output)
      expect(asked).toEqual([input])
    },
  )

  it('names every fact and request <owner>:<words>', () => {
    for (const name of [...Object.keys(facts), ...Object.keys(requests)])
      expect(name).toMatch(/^(bus|job|queue|worker|realtime|triggers):[a-z]+(-[a-z]+)*$/)
  })
})
