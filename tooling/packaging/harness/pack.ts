import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { list } from 'tar'
import { run } from './run.ts'

export const workspace = join(import.meta.dirname, '../../..')

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly type?: string
  readonly license?: string
  readonly sideEffects?: unknown
  readonly bin?: Record<string, string>
  readonly exports?: Record<string, unknown>
  readonly files?: readonly string[]
  readonly engines?: Record<string, string>
  readonly dependencies?: Record<string, string>
  readonly optionalDependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
  readonly peerDependenciesMeta?: Record<string, { readonly optional?: boolean }>
  readonly [field: string]: unknown
}

/** A package as it is, or was, published. */
export interface Release {
  readonly name: string
  readonly version: string
  readonly tarball: string
  /** As published: what pnpm wrote into the tarball. */
  readonly manifest: Manifest
  /** What the tarball holds, relative to the package. */
  readonly files: readonly string[]
}

export interface PackedPackage extends Release {
  /** The folder of its sources in the workspace. */
  readonly folder: string
}

/** Packs every package that is published, as publishing it would. What is built is packed: build first. */
export async function packAll(destination: string): Promise<PackedPackage[]> {
  const folders = await publishedFolders()
  await run('npx', ['-y', 'pnpm@12', '-r', ...filters(folders), 'pack', '--pack-destination', destination], {
    cwd: workspace,
  })
  const releases = await readReleases(destination)
  return releases.map((release) => {
    const folder = folders.find((folder) => folder.name === release.name)?.path ?? ''
    return { ...release, folder }
  })
}

/** What the tarballs in a folder hold. */
export async function readReleases(folder: string): Promise<Release[]> {
  const tarballs = (await readdir(folder)).filter((file) => file.endsWith('.tgz'))
  return Promise.all(tarballs.toSorted().map((file) => readTarball(join(folder, file))))
}

async function readTarball(tarball: string): Promise<Release> {
  const files: string[] = []
  const chunks: Buffer[] = []
  await list({
    file: tarball,
    onReadEntry(entry) {
      const path = entry.path.replace(/^package\//, '')
      files.push(path)
      if (path === 'package.json') entry.on('data', (chunk: Buffer) => chunks.push(chunk))
    },
  })
  const manifest = JSON.parse(Buffer.concat(chunks).toString()) as Manifest
  return { name: manifest.name, version: manifest.version, tarball, manifest, files: files.toSorted() }
}

async function publishedFolders(): Promise<{ name: string; path: string }[]> {
  const packages = join(workspace, 'packages')
  const found = await Promise.all(
    (await readdir(packages)).map(async (entry) => {
      const path = join(packages, entry)
      const manifest = JSON.parse(await readFile(join(path, 'package.json'), 'utf8'))
      return { ...(manifest as { name: string; private?: boolean }), path }
    }),
  )
  return found.filter((manifest) => !manifest.private)
}

function filters(folders: readonly { name: string }[]): string[] {
  return folders.flatMap(({ name }) => ['--filter', name])
}
