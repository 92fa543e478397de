/* The image of the worker app without Docker: what its Dockerfile deploys, started as its Dockerfile starts it. */
import { readdir, readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { createDatabase } from '../../integration/harness/database.ts'
import { deployImage } from '../harness/image.ts'

it('works handlers in TypeScript, keeps nothing of what stripped their types, and leaves no files', async () => {
  await using image = await deployImage()
  await using database = await createDatabase()
  await database.query(`select pgmq.create('emails'), pgmq.send('emails', '{"to":"ada"}')`)
  await image.write(
    'handlers/emails.ts',
    `import { appendFileSync } from 'node:fs'
    import { greeting } from './texts/greeting.ts'
    appendFileSync('seen', (process.env.NODE_COMPILE_CACHE ?? 'nothing') + '\\n')
    export default ({ payload }: { payload: { to: string } }): void =>
      console.log(greeting(payload.to), process.memoryUsage().external)`,
  )
  await image.write(
    'handlers/texts/greeting.ts',
    `export const greeting = (name: string): string => 'dear ' + name`,
  )
  await image.write('tmp/.keep', '')
  const { stdout } = await image.start({
    DATABASE_URL: database.url,
    AIMQ_DRAIN: 'yes',
    TMPDIR: image.path('tmp'),
  })
  const [, external] = /^dear ada (\d+)$/m.exec(stdout) ?? []
  // The WebAssembly that strips types is 9 MB.
  expect(Number(external)).toBeLessThan(8_000_000)
  expect(await readdir(image.path('tmp'))).toEqual(['.keep'])
  // Neither where handlers are checked nor where they work: what they start would leave files there, too.
  expect(await readFile(image.path('seen'), 'utf8')).toBe('nothing\nnothing\n')
})

it('leaves no files when a handler ends the worker while it is loaded', async () => {
  await using image = await deployImage()
  await image.write('handlers/emails.ts', `if (process.argv[1]?.endsWith('main.js')) process.exit(3)`)
  await image.write('tmp/.keep', '')
  const env = { DATABASE_URL: 'postgres://localhost:1/nowhere', TMPDIR: image.path('tmp') }
  await expect(image.start(env)).rejects.toThrow('called process.exit()')
  expect(await readdir(image.path('tmp'))).toEqual(['.keep'])
})

it('works handlers in TypeScript where nothing can be written', async () => {
  await using image = await deployImage()
  await using database = await createDatabase()
  await database.query(`select pgmq.create('emails'), pgmq.send('emails', '{"to":"ada"}')`)
  await image.write('handlers/emails.ts', `export default (): void => console.log('worked')`)
  const { stdout } = await image.start({
    DATABASE_URL: database.url,
    AIMQ_DRAIN: 'yes',
    TMPDIR: image.path('nowhere'),
  })
  expect(stdout).toMatch(/^worked$/m)
})
