import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { workspace } from './pack.ts'
import { writeInto } from './project.ts'
import { type Output, run } from './run.ts'

/** The folder that the image of the worker app would have as `/app`. */
export interface Image extends AsyncDisposable {
  path(name: string): string
  write(file: string, text: string): Promise<void>
  /** Runs its entry point, with the handlers in `handlers`. */
  start(env: Record<string, string>): Promise<Output>
}

/** Deploys as the Dockerfile does. What is built is deployed: build first. */
export async function deployImage(): Promise<Image> {
  const folder = await mkdtemp(join(tmpdir(), 'aimq-image-'))
  const dockerfile = await readFile(join(workspace, 'apps/worker/Dockerfile'), 'utf8')
  const [, deployment = ''] = /^RUN pnpm (.* deploy .*) \/app$/m.exec(dockerfile) ?? []
  const [program = '', ...args] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '[]') as string[]
  await run('npx', ['-y', 'pnpm@12', ...deployment.split(' '), folder], { cwd: workspace })
  const path = (name: string) => join(folder, name)
  return {
    path,
    write: (file, text) => writeInto(folder, file, text),
    start: (env) => run(program, args, { cwd: folder, env: { AIMQ_HANDLERS: path('handlers'), ...env } }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}
