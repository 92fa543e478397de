import { readdir } from 'node:fs/promises'
import { startEmbedded } from '@aimq/embedded'
import { expect, test } from 'vitest'
import { setup } from './setup.ts'

test('all faults are reported together, with the near spelling of an unknown key', async () => {
  await using bundle = await setup()
  const wrong = {
    datadir: bundle.dataDir,
    port: 70_000,
    temporary: 'yes',
    settings: { port: '1', 'no good': 'x' },
  }
  const error = await startEmbedded(wrong as object).catch((thrown) => thrown)
  expect(error.code).toBe('embedded/invalid-options')
  expect(error.message.split('\n')).toEqual([
    'startEmbedded: 5 options are not usable',
    '  - port: expected a whole number from 1 to 65535, or nothing for a free port, got 70000',
    '  - settings: "port" cannot be set: use the option port',
    '  - settings: expected names of server settings, got "no good"',
    '  - temporary: expected boolean, got "yes"',
    '  - datadir: unknown option; did you mean "dataDir"?',
  ])
  expect(await readdir(bundle.folder)).toEqual([])
})

test.each(['', 'a"b', 'a\nb'])('the folder %j is refused', async (dataDir) => {
  await expect(startEmbedded({ dataDir })).rejects.toMatchObject({
    code: 'embedded/invalid-options',
    message: expect.stringContaining('dataDir: expected'),
  })
})

test.skipIf(process.platform !== 'linux').each(['/proc', '/proc/x', '/proc/x/y', '/dev/null', '/dev/null/x'])(
  'the folder %s, where none can be made, is refused and does not hang',
  async (dataDir) => {
    await expect(startEmbedded({ dataDir })).rejects.toMatchObject({
      code: 'embedded/data-dir-not-writable',
      message: expect.stringContaining(`expected ${dataDir} to be a folder`),
    })
  },
)
