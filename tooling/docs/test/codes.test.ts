import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { embeddedErrorCodes } from '@aimq/embedded'
import { eventsErrorCodes } from '@aimq/events'
import { queueErrorCodes } from '@aimq/queue'
import { realtimeErrorCodes } from '@aimq/realtime'
import { triggersErrorCodes } from '@aimq/triggers'
import { workerErrorCodes } from '@aimq/worker'
import { expect, it } from 'vitest'
import { facts } from '../../../packages/events/golden/v0.2/facts.ts'
import { requests } from '../../../packages/events/golden/v0.2/requests.ts'
import { readPages, workspace } from '../pages.ts'

const codes: readonly string[] = [
  eventsErrorCodes,
  queueErrorCodes,
  workerErrorCodes,
  realtimeErrorCodes,
  triggersErrorCodes,
  embeddedErrorCodes,
].flatMap((record) => Object.values(record))

const pages = await readPages()

it('every code of an error stands in docs/troubleshoot.md', async () => {
  const page = await readFile(join(workspace, 'docs/troubleshoot.md'), 'utf8')
  expect(codes.filter((code) => !page.includes(`\`${code}\``))).toEqual([])
})

/** What a page names in backticks, as `owner<separator>name`. */
function named(separator: string): { readonly path: string; readonly name: string }[] {
  const pattern = new RegExp(`\`([a-z]+${separator}[a-z]+(?:-[a-z]+)*)\``, 'g')
  return pages.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map(([, name = '']) => ({ path, name })),
  )
}

it('every code that a page names is one', () => {
  const owners = codes.map((code) => code.split('/')[0])
  const wrong = named('/').filter(
    ({ name }) => owners.includes(name.split('/')[0] ?? '') && !codes.includes(name),
  )
  expect(wrong).toEqual([])
})

it('every fact and request that a page names is in the contract', () => {
  const names = [...Object.keys(facts), ...Object.keys(requests)]
  const owners = names.map((name) => name.split(':')[0])
  const wrong = named(':').filter(
    ({ name }) => owners.includes(name.split(':')[0] ?? '') && !names.includes(name),
  )
  expect(wrong).toEqual([])
})

it('every sentence that docs/troubleshoot.md quotes is said by the code', async () => {
  const page = await readFile(join(workspace, 'docs/troubleshoot.md'), 'utf8')
  const sources = await Promise.all(
    ['events', 'queue', 'worker', 'realtime', 'triggers'].map((name) =>
      sourceOf(join(workspace, 'packages', name, 'src')),
    ),
  )
  const code = sources.join('\n')
  // An ellipsis stands for what differs from case to case.
  const quoted = [...page.matchAll(/«([^»]+)»/g)].flatMap(([, sentence = '']) => sentence.split('…'))
  const unsaid = quoted.map((part) => part.trim()).filter((part) => !code.includes(part))
  expect(quoted.length).toBeGreaterThan(20)
  expect(unsaid).toEqual([])
})

async function sourceOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  const texts = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), 'utf8')))
  return texts.join('\n')
}
