import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type LoadOptions, loadHandlers } from '@aimq/cli/start'
import { expect, test } from 'vitest'
import { temporaryFolder } from './support/temporary-folder.ts'

const workerPackage = import.meta.resolve('@aimq/worker')
const handler = 'export default async (job: { id: string }): Promise<string> => job.id'

async function folderOf(files: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder()
  for (const [name, source] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), source)
  }
  return folder
}

const faultsOf = async (path: string, cwd = path, options: LoadOptions = {}): Promise<string> => {
  const thrown = await loadHandlers(path, cwd, options).catch((error: unknown) => error)
  expect(thrown).toMatchObject({ code: 'app/handlers' })
  return (thrown as Error).message
}

test('a file is a queue, by its name or by its definition; the rest is left alone', async () => {
  const folder = await folderOf({
    'emails.ts': handler,
    'plain.mjs': 'export default () => {}',
    'anything.ts': `import { defineHandler } from '${workerPackage}'\nexport default defineHandler('orders', () => {}, { concurrency: 2 })`,
    'emails.test.ts': 'throw new Error("a test")',
    'types.d.ts': 'export type A = string',
    '.hidden.ts': 'throw new Error("hidden")',
    'README.md': '# not code',
    'shared/database.ts': 'throw new Error("not a handler")',
  })
  const handlers = await loadHandlers(folder, folder)
  expect(Object.keys(handlers).sort()).toEqual(['emails', 'orders', 'plain'])
  expect(handlers.orders?.policy).toEqual({ concurrency: 2 })
  expect(handlers.emails?.queue.deadLetterQueue).toBe('emails_dlq')
})

test('a module is a record of handlers, as default or by that name', async () => {
  const folder = await folderOf({
    'jobs.ts': 'export default { emails: () => {}, orders: () => {} }',
    'named.ts': 'export const handlers = { emails: () => {} }',
    'single.ts': handler,
  })
  expect(Object.keys(await loadHandlers(join(folder, 'jobs.ts'), folder))).toEqual(['emails', 'orders'])
  expect(Object.keys(await loadHandlers(join(folder, 'named.ts'), folder))).toEqual(['emails'])
  expect(Object.keys(await loadHandlers(join(folder, 'single.ts'), folder))).toEqual(['single'])
})

test('says which file never ends, or ends its process, while it is loaded; and what is wrong with the others', async () => {
  const folder = await folderOf({
    'awaits.ts': 'await new Promise(() => setInterval(() => {}, 1000))',
    'blocks.ts': 'while (true) {}',
    'exits.ts': 'process.exit(0)',
    'fine.ts': handler,
    'number.ts': 'export default 7',
  })
  const faults = await faultsOf(folder, folder, { importTimeoutMs: 2000 })
  expect(faults.replaceAll(folder, '')).toMatchInlineSnapshot(`
    "the handlers are not usable; nothing was started
      - /awaits.ts: is not loaded after 2 s; is there an endless loop or await outside of the handler?
      - /blocks.ts: is not loaded after 2 s; is there an endless loop or await outside of the handler?
      - /exits.ts: ends its process while it is loaded (exit code 0); a handler file must not call process.exit()
      - /number.ts: expected a function, what defineHandler() returns, or an object of those by queue, got a value of type number"
  `)
})

test('ends at once when it is told to stop', async () => {
  const folder = await folderOf({ 'blocks.ts': 'while (true) {}' })
  const stop = new AbortController()
  const loading = loadHandlers(folder, folder, { signal: stop.signal })
  setTimeout(() => stop.abort(new Error('stopped')), 500)
  await expect(loading).rejects.toThrow('stopped')
})

test('says what to do about a package that is not there', async () => {
  const folder = await folderOf({ 'emails.ts': "import '@acme/mail'\nexport default () => {}" })
  expect(await faultsOf(folder)).toContain('install it next to the handlers: npm install @acme/mail')
})

test('shows paths as they were given', async () => {
  const folder = await folderOf({ 'a/emails.ts': 'export default 7', 'b/README.md': '' })
  expect(await faultsOf(join(folder, 'a'), join(folder, 'b'))).toContain(`- ${folder}/a/emails.ts: `)
  expect(await faultsOf('../a', join(folder, 'b'))).toContain('- ../a/emails.ts: ')
})

test('no path, no handlers', async () => {
  expect(await loadHandlers(undefined, '.')).toEqual({})
})

test('says so when there is nothing there', async () => {
  const folder = await folderOf({ 'README.md': '' })
  expect(await faultsOf(folder)).toContain('expected a .ts or .js file')
  expect(await faultsOf(join(folder, 'nowhere'), folder)).toContain(
    'nowhere: there is no such file or folder',
  )
})

test('refuses a record whose handler was defined for another queue', async () => {
  const folder = await folderOf({
    'jobs.ts': `import { defineHandler } from '${workerPackage}'\nexport default { emails: defineHandler('orders', () => {}) }`,
  })
  expect(await faultsOf(join(folder, 'jobs.ts'), folder)).toContain(
    '"orders" under that name, got it under "emails"',
  )
})
