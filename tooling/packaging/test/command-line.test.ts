/* The command line with fewer and more of the steps it can use: it works with what is there, and names what is not. */
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../integration/harness/database.ts'
import { createProject, type Project } from '../harness/project.ts'
import { run } from '../harness/run.ts'

let project: Project
let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
  project = await createProject()
  await project.install('--omit=optional', '@aimq/cli')
})
afterAll(async () => {
  await project[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

it('without any step it helps, and names the package that a command needs', async () => {
  expect(await aimq('--help')).toContain('queue')
  await expect(aimq('list')).rejects.toThrow('npm install @aimq/queue')
})

it('with the queue it creates, sends and lists', async () => {
  await project.install('--omit=optional', '@aimq/queue')
  await aimq('create', 'emails')
  await aimq('send', 'emails', '{"to":"ada"}')
  expect(await aimq('list')).toContain('emails')
})

it('without the worker it says what runs handlers', async () => {
  await project.write('handlers/emails.js', 'export default () => {}\n')
  await expect(aimq('start', 'handlers')).rejects.toThrow('npm install @aimq/worker')
})

it('as it is installed by default it has all steps', async () => {
  await using all = await createProject()
  await all.install('@aimq/cli')
  const { stdout } = await run(join(all.folder, 'node_modules/.bin/aimq'), ['list'], {
    cwd: all.folder,
    env: { DATABASE_URL: database.url },
  })
  expect(stdout).toContain('emails')
})

it('lays out a project that npm installs as it stands, with every step in the version that belongs here', async () => {
  await using all = await createProject()
  await all.install('@aimq/cli')
  const bin = (folder: string) => join(folder, 'node_modules/.bin/aimq')
  await run(bin(all.folder), ['init', 'shop'], { cwd: all.folder })
  const shop = join(all.folder, 'shop')
  await copyFile(join(all.folder, '.npmrc'), join(shop, '.npmrc'))
  await run('npm', ['install', '--strict-peer-deps', '--prefer-offline'], { cwd: shop })
  for (const { name, version } of inject('packages')) {
    const manifest = JSON.parse(await readFile(join(shop, 'node_modules', name, 'package.json'), 'utf8'))
    expect(manifest).toMatchObject({ name, version })
  }
  const { stdout } = await run(bin(shop), ['list'], { cwd: shop, env: { DATABASE_URL: database.url } })
  expect(stdout).toContain('emails')
})

async function aimq(...words: readonly string[]): Promise<string> {
  const { stdout } = await run(join(project.folder, 'node_modules/.bin/aimq'), words, {
    cwd: project.folder,
    env: { DATABASE_URL: database.url },
  })
  return stdout
}
