import { readFileSync } from 'node:fs'
import { ownManifest } from './own-manifest.ts'

/** Texts of the files that `aimq init` lays out, by path. */
export type Files = Readonly<Record<string, string>>

/** As it lies in `scaffold/`. Names that mean something to npm, git or Docker there go without their dot. */
const scaffold = (path: string): string =>
  readFileSync(new URL(`../scaffold/${path}`, import.meta.url), 'utf8')

export const projectFiles = (name: string): Files => ({
  'package.json': packageJson(name),
  'handlers/emails.ts': scaffold('handlers/emails.ts'),
  '.env.example': scaffold('env.example'),
  '.gitignore': scaffold('gitignore'),
})

export const dockerFiles = (): Files => ({
  Dockerfile: scaffold('Dockerfile'),
  '.dockerignore': scaffold('dockerignore'),
})

function packageJson(name: string): string {
  const steps = (...names: string[]) =>
    Object.fromEntries(names.map((step) => [`@aimq/${step}`, rangeOf(`@aimq/${step}`)]))
  const manifest = {
    name,
    private: true,
    type: 'module',
    scripts: { dev: 'aimq dev', start: 'aimq start handlers' },
    dependencies: steps('cli', 'events', 'queue', 'realtime', 'triggers', 'worker'),
    devDependencies: steps('embedded'),
  }
  return `${JSON.stringify(manifest, undefined, 2)}\n`
}

/** What this package itself asks for: every step has a version of its own. */
function rangeOf(name: string): string {
  const { name: own, version, peerDependencies, optionalDependencies } = ownManifest()
  if (name === own) return `^${version}`
  const range = optionalDependencies[name] ?? peerDependencies[name] ?? '*'
  // Only in the workspace is a range not yet written out.
  return range.replace('workspace:^', '*').replace('workspace:', '')
}
