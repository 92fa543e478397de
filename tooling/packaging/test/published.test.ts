import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { extract } from 'tar'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { run } from '../harness/run.ts'

const contract = '@aimq/events'
const bin = (name: string) => join(import.meta.dirname, '../node_modules/.bin', name)

describe.each(inject('packages'))('$name as it is published', ({ name, tarball, manifest, files }) => {
  it('ships what runs and what explains it, and nothing else', () => {
    const needed = /^(dist\/.+\.(js|d\.ts)|sql\/.+\.sql|scaffold\/.+|README\.md|LICENSE|package\.json)$/
    expect(files.filter((file) => !needed.test(file))).toEqual([])
    expect(files).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'package.json']))
  })

  it('leaves the workspace out of its manifest', () => {
    const text = JSON.stringify(manifest)
    expect(text).not.toContain('@aimq/source')
    expect(text).not.toMatch(/"(workspace|catalog|link|file):/)
    expect(manifest).not.toHaveProperty('devDependencies')
    expect(manifest).not.toHaveProperty('scripts')
    expect(manifest).toMatchObject({ type: 'module', license: 'MIT', sideEffects: false })
    expect(manifest.engines?.node).toBe('>=22.18')
  })

  it('asks for no package of ours but the contract, and for that as a peer', () => {
    const ours = (field?: Record<string, string>) =>
      Object.keys(field ?? {}).filter((key) => key.startsWith('@aimq/'))
    expect(ours(manifest.dependencies)).toEqual([])
    expect(ours(manifest.peerDependencies)).toEqual(name === contract ? [] : [contract])
  })

  it('ships no script that nothing imports', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'aimq-unpacked-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await extract({ file: tarball, cwd: folder, strip: 1 })
    const reached = new Set<string>()
    const reach = async (file: string): Promise<void> => {
      if (reached.has(file)) return
      reached.add(file)
      const text = await readFile(join(folder, file), 'utf8')
      const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g)]
      const imported = imports.map(([, to = '']) => posix.join(dirname(file), to))
      // A program of its own, started by its name.
      const started = files.filter((one) => one.endsWith('.js') && text.includes(posix.basename(one, '.js')))
      await Promise.all([...imported, ...started].map(reach))
    }
    await Promise.all(
      targets(manifest.exports)
        .concat(Object.values(manifest.bin ?? {}))
        .map((file) => reach(posix.normalize(file))),
    )
    expect(files.filter((file) => file.endsWith('.js') && !reached.has(file))).toEqual([])
  })

  it('is accepted by publint', async () => {
    await run(bin('publint'), ['run', tarball, '--strict'], { cwd: import.meta.dirname })
  })

  it('resolves to its types wherever ES modules do', async () => {
    await run(bin('attw'), [tarball, '--profile', 'esm-only'], { cwd: import.meta.dirname })
  })
})

function targets(exports: unknown): string[] {
  if (typeof exports === 'string') return exports.endsWith('.js') ? [exports] : []
  return Object.values(exports ?? {}).flatMap(targets)
}
