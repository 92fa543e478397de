import { expect, it } from 'vitest'
import { facts, requests } from '../golden/v0.1.ts'
import { createBus, type FactName, type RequestName } from '../src/index.ts'

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
  for (const name of [...Object.keys(facts), ...Object.keys(requests)]) {
    expect(name).toMatch(/^(bus|job|queue|worker|realtime|triggers):[a-z]+(-[a-z]+)*$/)
  }
})
