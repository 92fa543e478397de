import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

const read = (path: string) => readFile(new URL(`../${path}`, import.meta.url), 'utf8')
const lines = (text: string) => text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))

/** Docker's globs: `**` crosses folders, `*` does not, and both match names that begin with a dot. */
function patternOf(glob: string): RegExp {
  const source = glob
    .replaceAll(/[.+^$(){}|[\]\\]/g, '\\$&')
    .replaceAll(/\*\*\/|\*/g, (star) => (star === '*' ? '[^/]*' : '(?:.*/)?'))
  return new RegExp(`^${source}$`)
}

/** As Docker decides it: the last pattern that matches the path, or a folder above it, counts. */
function isSent(rules: readonly string[], path: string): boolean {
  const parts = path.split('/')
  const candidates = parts.map((_, index) => parts.slice(0, index + 1).join('/'))
  let sent = true
  for (const rule of rules) {
    const pattern = patternOf(rule.replace(/^!/, ''))
    if (candidates.some((candidate) => pattern.test(candidate))) sent = rule.startsWith('!')
  }
  return sent
}

test.each([
  '.env',
  '.env.production',
  'production.env',
  'apps/worker/.env',
  'apps/worker/.env.local',
  'packages/queue/.env',
  'packages/queue/certificates/client.key',
  '.git/config',
  '.aimq/pgdata/PG_VERSION',
  'apps/worker/.aimq/server.conf',
  'apps/worker/node_modules/pg/package.json',
  'handlers/emails.ts',
])('%s is not sent to the image builder', async (path) => {
  expect(isSent(lines(await read('../../.dockerignore')), path)).toBe(false)
})

test('what the image is built from is sent', async () => {
  const rules = lines(await read('../../.dockerignore'))
  const copied = lines(await read('Dockerfile'))
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
    .flatMap((line) => line.split(' ').slice(1, -1))
  expect(copied).toContain('pnpm-lock.yaml')
  for (const path of [...copied, 'apps/worker/src/main.ts', 'packages/queue/sql/a.sql']) {
    expect(path).not.toMatch(/^\.?\/?$|env|secret|\*/i)
    expect(isSent(rules, path)).toBe(true)
  }
})

test('the image runs as somebody who is not root, and holds no secret', async () => {
  const dockerfile = lines(await read('Dockerfile'))
  const last = dockerfile.slice(dockerfile.findLastIndex((line) => line.startsWith('FROM ')))
  const user = last.findIndex((line) => /^USER [1-9]\d*:[1-9]\d*$/.test(line))
  expect(user).toBeGreaterThan(0)
  expect(last.findIndex((line) => line.startsWith('ENTRYPOINT ["node"'))).toBeGreaterThan(user)
  expect(dockerfile.filter((line) => /^(ENV|ARG) .*(URL|SECRET|PASSWORD|TOKEN)/i.test(line))).toEqual([])
  expect(dockerfile.some((line) => line.startsWith('ADD '))).toBe(false)
})

test('the image starts what pnpm start does', async () => {
  const { scripts } = JSON.parse(await read('package.json'))
  const entrypoint = lines(await read('Dockerfile')).find((line) => line.startsWith('ENTRYPOINT '))
  expect(JSON.parse(entrypoint?.slice('ENTRYPOINT '.length) ?? '[]').join(' ')).toBe(scripts.start)
})
