import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { loadHandlers } from '../src/load-handlers.ts'
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

const faultsOf = async (path: string, cwd = path): Promise<string> => {
  const thrown = await loadHandlers(path, cwd).catch((error: unknown) => error)
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

test('no path, no handlers', async () => {
  expect(await loadHandlers(undefined, '.')).toEqual({})
})

test('tells what is wrong in every file, with the file and the line', async () => {
  const folder = await folderOf({
    'bad-name.ts': handler,
    'broken.ts': 'export default () => {\n  const x = ;\n}',
    'empty.ts': '',
    'enums.ts': 'enum A { B }\nexport default () => A.B',
    'imports.ts': 'import "./nowhere.ts"\nexport default () => {}',
    'number.ts': 'export default 7',
    'record.ts': 'export default { emails: () => {}, orders: 7 }',
    'throws.ts': '\nthrow new Error("no mailbox at postgres://u:CANARY@db")\nexport default 1',
    'twice.ts': handler,
    'twice.mjs': 'export default () => {}',
  })
  const text = await faultsOf(folder)
  expect(text).not.toContain('CANARY')
  expect(text.replaceAll(folder, '<folder>')).toMatchInlineSnapshot(`
    "the handlers are not usable; nothing was started
      - bad-name.ts: expected a queue name of 1 to 47 characters: a lower-case letter, then lower-case letters, digits or _; got "bad-name"; try "bad_name"
      - broken.ts:2: Transform failed with 1 error:

    [31m[PARSE_ERROR] [0mUnexpected token
       [38;5;246m╭[0m[38;5;246m─[0m[38;5;246m[[0m ../..<folder>/broken.ts:2:13 [38;5;246m][0m
       [38;5;246m│[0m
     [38;5;246m2 │[0m [38;5;249m [0m[38;5;249m [0m[38;5;249mc[0m[38;5;249mo[0m[38;5;249mn[0m[38;5;249ms[0m[38;5;249mt[0m[38;5;249m [0m[38;5;249mx[0m[38;5;249m [0m[38;5;249m=[0m[38;5;249m [0m;
     [38;5;240m  │[0m             ┬  
     [38;5;240m  │[0m             ╰── 
    [38;5;246m───╯[0m

      - empty.ts: expected "export default", followed by a handler, got none; what handlers share belongs in a subfolder
      - imports.ts: Cannot find module './nowhere.ts' imported from <folder>/imports.ts
      - number.ts: expected a function, what defineHandler() returns, or an object of those by queue, got a value of type number
      - record.ts: expected a function, what defineHandler() returns, or an object of those by queue, got an object whose orders is something else
      - throws.ts:2: no mailbox at postgres://u:***@db
      - twice.ts: works the queue "twice", which twice.mjs works already"
  `)
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
