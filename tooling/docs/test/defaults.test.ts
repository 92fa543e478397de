import { defaults as queueDefaults } from '@aimq/queue'
import { triggerDefaults, defaults as triggersDefaults } from '@aimq/triggers'
import { expect, it } from 'vitest'
import { resolveOptions as resolveRealtime } from '../../../packages/realtime/src/options.ts'
import { resolveOptions as resolveWorker } from '../../../packages/worker/src/options.ts'
import { policyDefaults } from '../../../packages/worker/src/policy.ts'
import { type Page, readPages } from '../pages.ts'

const pages = await readPages()
const workerDefaults = { ...policyDefaults, ...resolveWorker({ handlers: { emails: () => {} } }) }

/** `| option | 1,000 |`: names and figures of the tables of a page. */
function tableFigures(page: Page): { readonly name: string; readonly figure: number }[] {
  return [...page.text.matchAll(/^\| `(\w+)` *\| *(\d[\d ,]*?) *\|/gm)].map(([, name = '', figure = '']) => ({
    name,
    figure: Number(figure.replaceAll(/\D/g, '')),
  }))
}

function pageAt(path: string): Page {
  const page = pages.find((candidate) => candidate.path === path)
  if (page === undefined) throw new Error(`expected ${path}`)
  return page
}

it.each([
  { path: 'packages/worker/README.md', defaults: workerDefaults, least: 9 },
  { path: 'packages/queue/README.md', defaults: queueDefaults, least: 5 },
  { path: 'packages/triggers/README.md', defaults: { ...triggersDefaults, ...triggerDefaults }, least: 1 },
])('the figures in the tables of $path are the defaults', ({ path, defaults, least }) => {
  const known: Readonly<Record<string, unknown>> = defaults
  const figures = tableFigures(pageAt(path)).filter(({ name }) => typeof known[name] === 'number')
  expect(figures.length).toBeGreaterThanOrEqual(least)
  expect(figures).toEqual(figures.map(({ name }) => ({ name, figure: known[name] })))
})

it('the figures behind the names of options in docs are the defaults', () => {
  const known: Readonly<Record<string, unknown>> = { ...workerDefaults, ...queueDefaults }
  const found = pages
    .filter(({ path }) => path.startsWith('docs/'))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/`(\w+)` \((\d[\d,]*)\)/g)].map(([, name = '', figure = '']) => ({
        path,
        name,
        figure: Number(figure.replaceAll(',', '')),
      })),
    )
  expect(found.length).toBeGreaterThan(6)
  expect(found).toEqual(found.map((each) => ({ ...each, figure: known[each.name] })))
})

it('docs/how-it-works.md has the intervals of the canaries and of polling', () => {
  const { text } = pageAt('docs/how-it-works.md')
  const { listen, supabase } = resolveRealtime({
    listen: 'postgres://localhost/app',
    supabase: { url: 'https://ref.supabase.co', key: 'key' },
  })
  const seconds = (ms: number | undefined) => String((ms ?? 0) / 1000)
  const flat = text.replaceAll(/\s+/g, ' ')
  expect(flat).toContain(
    `every ${seconds(listen?.canaryIntervalMs)} seconds (LISTEN) or ${seconds(supabase?.canaryIntervalMs)} (Supabase Realtime)`,
  )
  expect(flat).toContain(`every ${seconds(workerDefaults.safetyPollIntervalMs)} seconds while a wake-up path`)
})
