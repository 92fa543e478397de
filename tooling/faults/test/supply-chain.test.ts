import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const top = join(import.meta.dirname, '../../..')
const text = (path: string) => readFile(join(top, path), 'utf8')

it('install scripts run only for packages that are named', async () => {
  const workspace = await text('pnpm-workspace.yaml')
  expect(workspace).toMatch(/^allowBuilds:\n/m)
  expect(workspace).not.toMatch(/dangerouslyAllowAllBuilds|neverBuiltDependencies/)
})

it('a version is at least three days old before it is installed', async () => {
  const [, minutes] = /^minimumReleaseAge: (\d+)$/m.exec(await text('pnpm-workspace.yaml')) ?? []
  expect(Number(minutes)).toBeGreaterThanOrEqual(3 * 24 * 60)
})

it('CI installs what the lockfile says and nothing else', async () => {
  expect(await text('.ci/run')).toContain('install --frozen-lockfile')
})

it('every package of the lockfile has a checksum', async () => {
  const lock = await text('pnpm-lock.yaml')
  const resolutions = lock.match(/^ {4}resolution: .*$/gm) ?? []
  expect(resolutions.length).toBeGreaterThan(100)
  expect(resolutions.filter((line) => !line.includes('integrity: sha512-'))).toEqual([])
})

it('no published package brings an install script of its own', async () => {
  for (const name of await readdir(join(top, 'packages'))) {
    const { scripts = {} } = JSON.parse(await text(`packages/${name}/package.json`))
    expect([
      name,
      Object.keys(scripts).filter((script) => /^(pre|post)?install$|^prepare$/.test(script)),
    ]).toEqual([name, []])
  }
})

it('nothing that looks like a secret is in the repository', async () => {
  const { stdout } = await promisify(execFile)(
    'git',
    [
      'grep',
      '-lE',
      '-e',
      '-----BEGIN [A-Z ]*PRIVATE KEY|sb_secret_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{36}|ghp_[A-Za-z0-9]{36}',
      '--',
      ':!tooling/faults/test/supply-chain.test.ts',
    ],
    { cwd: top },
  ).catch((thrown) => ({ stdout: String(thrown.stdout ?? '') }))
  // The key of a certificate for localhost that the TLS tests serve.
  expect(
    stdout.split('\n').filter((file) => file !== '' && !/test\/fixtures\/tls\/localhost\.key$/.test(file)),
  ).toEqual([])
})
