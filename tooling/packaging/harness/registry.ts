import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'
import type { Release } from './pack.ts'

export interface Registry extends AsyncDisposable {
  readonly url: string
}

/**
 * An npm registry for the scope `@aimq` alone, so that `npm install @aimq/…` does here what it will do for users: npm
 * itself reads the manifests and chooses versions and peers. Everything else comes from the registry npm is set to.
 */
export async function startRegistry(packages: readonly Release[]): Promise<Registry> {
  const tarballs = new Map(
    await Promise.all(
      packages.map(async ({ tarball }) => [basename(tarball), await readFile(tarball)] as const),
    ),
  )
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://registry').pathname).slice(1)
    const tarball = tarballs.get(basename(path))
    const versions = packages.filter(({ name }) => name === path)
    response.setHeader('cache-control', 'no-store')
    if (tarball) return response.end(tarball)
    if (versions.length === 0) return response.writeHead(404).end('{}')
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(packument(path, versions)))
  })

  function packument(name: string, versions: readonly Release[]) {
    const newest = versions.at(-1)?.version
    return {
      name,
      'dist-tags': { latest: newest },
      versions: Object.fromEntries(
        versions.map(({ version, manifest, tarball }) => {
          const file = basename(tarball)
          const integrity = `sha512-${createHash('sha512')
            .update(tarballs.get(file) ?? '')
            .digest('base64')}`
          return [version, { ...manifest, dist: { tarball: `${url}/-/${file}`, integrity } }]
        }),
      ),
    }
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
