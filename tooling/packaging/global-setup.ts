import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { type InstallSize, table } from './harness/install-size.ts'
import { type PackedPackage, packAll, type Release, readReleases } from './harness/pack.ts'
import { startRegistry } from './harness/registry.ts'

declare module 'vitest' {
  interface ProvidedContext {
    packages: PackedPackage[]
    /** Their previous releases, as they were packed. */
    previous: Release[]
    /** Serves the packed packages to npm. */
    registry: string
    /** A folder for what tests tell the end of the run. */
    notes: string
  }
}

/** Packs what is built, and serves it to the tests. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'aimq-packed-'))
  const packages = await packAll(folder)
  const previous = await readReleases(join(import.meta.dirname, 'previous'))
  const registry = await startRegistry([...previous, ...packages])
  project.provide('packages', packages)
  project.provide('previous', previous)
  project.provide('registry', registry.url)
  const notes = await mkdtemp(join(tmpdir(), 'aimq-notes-'))
  project.provide('notes', notes)
  return async () => {
    await printSizes(notes)
    await rm(notes, { recursive: true })
    await registry[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  }
}

async function printSizes(notes: string): Promise<void> {
  const texts = await Promise.all((await readdir(notes)).map((file) => readFile(join(notes, file), 'utf8')))
  if (texts.length > 0) console.log(`\n${table(texts.map((text) => JSON.parse(text) as InstallSize))}\n`)
}
