/* A rehearsal of releases: what `changeset version` would do to a copy of this workspace's manifests. */
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, inject, it, onTestFinished } from 'vitest'
import { workspace } from '../harness/pack.ts'
import { run } from '../harness/run.ts'

type Bump = 'patch' | 'minor' | 'major'
const packages = inject('packages').map(({ name, version, folder }) => ({
  name,
  version,
  folder: basename(folder),
}))

it('the packages are of different versions', () => {
  expect(new Set(packages.map(({ version }) => version)).size).toBeGreaterThan(2)
})

it.each(packages.map(({ name }) => name))('a patch of %s releases it, and nothing else', async (name) => {
  expect(await released({ [name]: 'patch' })).toEqual([name])
})

it('a contract that grows releases no other package, for it stays in their range', async () => {
  expect(await released({ '@aimq/events': 'minor' })).toEqual(['@aimq/events'])
})

it('a minor of the queue takes along the command line, which brings it and whose range it leaves', async () => {
  expect(await released({ '@aimq/queue': 'minor' })).toEqual(['@aimq/cli', '@aimq/queue'])
  // It is the range that does it: within a wider one the queue would be released alone.
  const wider = (manifest: string) =>
    manifest.replace('"@aimq/queue": "workspace:^"', '"@aimq/queue": "workspace:>=0.1.0 <1"')
  expect(await released({ '@aimq/queue': 'minor' }, wider)).toEqual(['@aimq/queue'])
})

it('a contract that breaks releases all that speak it', async () => {
  expect(await released({ '@aimq/events': 'major' })).toEqual(packages.map(({ name }) => name).toSorted())
})

/** The packages whose versions change, if their manifests were changed like this. */
async function released(
  changes: Record<string, Bump>,
  change = (manifest: string) => manifest,
): Promise<string[]> {
  const copy = await mkdtemp(join(tmpdir(), 'aimq-release-'))
  onTestFinished(() => rm(copy, { recursive: true }))
  for (const file of ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', '.changeset/config.json'])
    await cp(join(workspace, file), join(copy, file))
  for (const { folder } of packages) {
    await mkdir(join(copy, 'packages', folder), { recursive: true })
    const manifest = await readFile(join(workspace, 'packages', folder, 'package.json'), 'utf8')
    await writeFile(join(copy, 'packages', folder, 'package.json'), change(manifest))
  }
  await symlink(join(workspace, 'node_modules'), join(copy, 'node_modules'))
  const lines = Object.entries(changes).map(([name, bump]) => `"${name}": ${bump}`)
  await writeFile(join(copy, '.changeset/rehearsal.md'), `---\n${lines.join('\n')}\n---\n\nA rehearsal.\n`)
  await run('git', ['init', '-q', '-b', 'main'], { cwd: copy })
  await run(join(workspace, 'node_modules/.bin/changeset'), ['version'], { cwd: copy })
  const after = await Promise.all(
    packages.map(async ({ name, version, folder }) => {
      const text = await readFile(join(copy, 'packages', folder, 'package.json'), 'utf8')
      return { name, changed: (JSON.parse(text) as { version: string }).version !== version }
    }),
  )
  return after
    .filter(({ changed }) => changed)
    .map(({ name }) => name)
    .toSorted()
}
