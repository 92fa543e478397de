/* The command line beside some of the steps only, each choice in a folder of its own: what works, and what is missed. */
import { expect, it } from 'vitest'
import { createDatabase } from '../../integration/harness/database.ts'
import { createProject, type Project } from '../harness/project.ts'

interface Installed extends AsyncDisposable {
  readonly project: Project
  /** Answers with all that was said, fails with it when the command fails. */
  aimq(...words: readonly string[]): Promise<string>
}

it.concurrent('with realtime it proves and sends wake-ups; queues need their package', async () => {
  await using installed = await install('realtime')
  const { aimq, project } = installed
  expect(await aimq('realtime', 'status')).toContain('healthy')
  expect(await aimq('realtime', 'broadcast', 'emails')).toContain('told workers of emails')
  await expect(aimq('list')).rejects.toThrow('npm install @aimq/queue')
  await project.write('handlers/emails.js', 'export default () => {}\n')
  await expect(aimq('start', 'handlers')).rejects.toThrow(/npm install @aimq\/(queue|worker)/)
})

it.concurrent('with triggers it writes migrations; queues and wake-ups need their packages', async () => {
  await using installed = await install('triggers')
  const { aimq } = installed
  expect(await aimq('enable-realtime', 'emails', '--migration')).toMatch(
    /wrote supabase\/migrations\/\d+_\w+\.sql/,
  )
  await expect(aimq('list')).rejects.toThrow('npm install @aimq/queue')
  await expect(aimq('realtime', 'status')).rejects.toThrow('npm install @aimq/realtime')
})

it.concurrent('with queue and worker it works jobs by polling; what waits to be woken needs its package', async () => {
  await using installed = await install('queue', 'worker')
  const { aimq, project } = installed
  await project.write(
    'handlers/emails.js',
    `export default ({ payload }) => console.log('dear ' + payload.to)\n`,
  )
  expect(await aimq('create', 'emails')).toContain('npm install @aimq/triggers')
  await aimq('send', 'emails', '{"to":"ada"}')
  for (const words of [[], ['--drain', '--listen']])
    await expect(aimq('start', 'handlers', ...words)).rejects.toThrow('npm install @aimq/realtime')
  const said = await aimq('start', 'handlers', '--drain')
  expect(said).toContain('nothing wakes this worker: it polls')
  expect(said).toContain('dear ada')
})

async function install(...steps: readonly string[]): Promise<Installed> {
  const project = await createProject()
  const database = await createDatabase()
  await project.install('--omit=optional', '@aimq/cli', ...steps.map((step) => `@aimq/${step}`))
  return {
    project,
    async aimq(...words) {
      const { stdout, stderr } = await project.bin('aimq', words, { DATABASE_URL: database.url })
      return stdout + stderr
    },
    async [Symbol.asyncDispose]() {
      await project[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}
