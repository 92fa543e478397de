import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createDatabase } from '../../integration/harness/database.ts'
import { block, blocks, section } from '../../testing/markdown.ts'
import { entriesOf, optionalPeersOf } from '../harness/entries.ts'
import { type InstallSize, measure } from '../harness/install-size.ts'
import { installedBy } from '../harness/installed-by.ts'
import { createProject, type Project } from '../harness/project.ts'

describe.each(inject('packages'))('$name, installed by npm into an empty folder', (packed) => {
  const { name, manifest } = packed
  let project: Project
  beforeAll(async () => {
    project = await createProject()
    await project.install(name)
  })
  afterAll(() => project[Symbol.asyncDispose]())

  it('brings along of ours what its manifest asks for, and nothing else', async () => {
    await noteSize(project)
    const ours = await readdir(join(project.folder, 'node_modules/@aimq'))
    const asked = { ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies }
    const published = inject('packages').map((one) => one.name)
    const expected = published.filter((one) => one === name || Object.hasOwn(asked, one))
    expect(ours.map((one) => `@aimq/${one}`).toSorted()).toEqual(expected.toSorted())
  })

  it('loads without a trace', async () => {
    await project.copyProgram('load-entries.ts')
    const { stdout } = await project.node(['load-entries.ts', ...entriesOf(manifest)])
    const { failures, leftovers } = JSON.parse(stdout) as Record<string, string[]>
    expect(leftovers).toEqual([])
    // Entries for a library need the library.
    const optional = new RegExp(`Cannot find package '(${optionalPeersOf(manifest).join('|')})'`)
    expect(failures?.filter((failure) => !optional.test(failure))).toEqual([])
  })

  it('is typed to the last declaration', async () => {
    await project.install('--save-dev', '@types/node')
    await project.write('types.ts', `import * as all from '${entriesOf(manifest)[0]}'\nconsole.log(all)\n`)
    await project.typecheck('types.ts')
  })

  it('does what its README shows, once installed as its README says', async () => {
    const readme = await readFile(join(packed.folder, 'README.md'), 'utf8')
    await project.install(...installedBy(section(readme, 'Install')))
    const use = section(readme, 'Use')
    await project.write('example.ts', block(use, 'ts'))
    await project.typecheck('example.ts')

    await using database = await createDatabase()
    await database.query(`select pgmq.create('emails')`)
    const { stdout, stderr } = await project.node(['example.ts'], { DATABASE_URL: database.url })
    expect(stderr).toBe('')
    const [printed] = blocks(use, 'text')
    if (printed) expect(stdout).toBe(printed)
  })

  it('loads all its entries beside the libraries they are for', async () => {
    const libraries = optionalPeersOf(manifest)
    if (libraries.length > 0) await project.install(...libraries)
    const { stdout } = await project.node(['load-entries.ts', ...entriesOf(manifest)])
    expect(JSON.parse(stdout)).toMatchObject({ failures: [] })
  })

  async function noteSize({ folder }: Project): Promise<void> {
    const size: InstallSize = {
      name,
      version: packed.version,
      tarballBytes: (await stat(packed.tarball)).size,
      ...(await measure(join(folder, 'node_modules'))),
    }
    await writeFile(join(inject('notes'), `${name.replace('/', '-')}.json`), JSON.stringify(size))
  }
})
