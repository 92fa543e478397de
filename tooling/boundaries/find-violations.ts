import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'

/** The one package of ours that every other may know. */
const contract = '@aimq/events'
/**
 * The one package that brings the others along. It finds them at run time by name and asks them over the bus, so it may
 * name them in `optionalDependencies`: it works without any of them, and imports none.
 */
const finder = { name: '@aimq/cli', field: 'optionalDependencies' }
const dependencyFields = [
  'dependencies',
  'devDependencies',
  'peerDependencies',
  'optionalDependencies',
] as const
const specifierPattern =
  /(?:\bfrom\s*|\bimport\s*|\bimport\s*\(\s*|\brequire\s*\(\s*|\bimport\.meta\.resolve\s*\(\s*|\bmock\s*\(\s*)(['"`])([^'"`\n]+)\1/g

interface Manifest {
  readonly name: string
  readonly peerDependencies?: Record<string, string>
  readonly [field: string]: unknown
}

/**
 * Where packages under `packagesFolder` break the import rule: a package imports `@aimq/events`, libraries and its own
 * files, and never another `@aimq/*` package, not even a type. Source, tests and `package.json` are read alike.
 *
 * @returns one readable line for each violation
 */
export async function findViolations(packagesFolder: string): Promise<string[]> {
  const folders = await readdir(packagesFolder, { withFileTypes: true })
  const found = await Promise.all(
    folders
      .filter((entry) => entry.isDirectory())
      .map((entry) => violationsOf(join(packagesFolder, entry.name))),
  )
  return found.flat()
}

async function violationsOf(folder: string): Promise<string[]> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest
  const files = await Promise.all(['src', 'test'].map((part) => sourceFiles(join(folder, part))))
  const inFiles = await Promise.all(files.flat().map((file) => importViolations(folder, manifest.name, file)))
  return [...manifestViolations(manifest), ...inFiles.flat()]
}

function manifestViolations(manifest: Manifest): string[] {
  const violations = dependencyFields.flatMap((field) =>
    Object.keys((manifest[field] as Record<string, string> | undefined) ?? {})
      .filter((dependency) => dependency.startsWith('@aimq/') && dependency !== contract)
      .filter(() => manifest.name !== finder.name || field !== finder.field)
      .map(
        (dependency) =>
          `${manifest.name}: package.json names ${dependency} in ${field}; only ${contract} is allowed`,
      ),
  )
  // One bus, one contract, one copy: whoever uses the package brings it.
  if (manifest.name !== contract && manifest.peerDependencies?.[contract] === undefined) {
    violations.push(`${manifest.name}: package.json does not name ${contract} in peerDependencies`)
  }
  return violations
}

async function importViolations(folder: string, name: string, file: string): Promise<string[]> {
  const source = withoutComments(await readFile(file, 'utf8'))
  const where = `${name}: ${relative(folder, file)}`
  return [...source.matchAll(specifierPattern)].flatMap(([, , specifier = '']) => {
    if (specifier.startsWith('.')) {
      const target = resolve(dirname(file), specifier)
      return target.startsWith(folder + sep) ? [] : [`${where} reaches out of its package by ${specifier}`]
    }
    const ours =
      specifier.startsWith('@aimq/') && specifier !== contract && !specifier.startsWith(`${contract}/`)
    // A package may import itself by name, as its users do.
    return ours && specifier !== name && !specifier.startsWith(`${name}/`)
      ? [`${where} imports ${specifier}; only ${contract} is allowed`]
      : []
  })
}

async function sourceFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
}

/** Examples in doc comments import what their reader would have installed. */
function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1')
}
