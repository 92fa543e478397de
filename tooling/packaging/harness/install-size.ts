import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

export interface InstallSize {
  readonly name: string
  readonly version: string
  readonly tarballBytes: number
  readonly installedBytes: number
  readonly installedPackages: number
}

/** What a package costs who installs it, with all that it brings along. */
export async function measure(
  nodeModules: string,
): Promise<Pick<InstallSize, 'installedBytes' | 'installedPackages'>> {
  const entries = await readdir(nodeModules, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  )
  // A package's own manifest is two folders below a `node_modules`, or three in a scope.
  const manifest = /node_modules\/(@[^/]+\/)?[^/]+$/
  const packages = files.filter((file) => file.name === 'package.json' && manifest.test(file.parentPath))
  return { installedBytes: sizes.reduce((sum, size) => sum + size, 0), installedPackages: packages.length }
}

export function table(sizes: readonly InstallSize[]): string {
  const rows = sizes
    .toSorted((one, other) => one.name.localeCompare(other.name))
    .map(({ name, version, tarballBytes, installedBytes, installedPackages }) => [
      name,
      version,
      `${Math.ceil(tarballBytes / 1000)} kB`,
      `${(installedBytes / 1_000_000).toFixed(1)} MB`,
      String(installedPackages),
    ])
  const all = [['package', 'version', 'tarball', 'installed', 'packages'], ...rows]
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row.map((cell, column) =>
      column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    )
  return all.map((row) => line(row).join('  ')).join('\n')
}
