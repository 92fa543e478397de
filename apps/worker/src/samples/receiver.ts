import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { verifyWebhook } from '../handlers/webhook-signature.ts'

export interface Receiver {
  readonly url: string
  close(): void
}

const maxBodyBytes = 64 * 1024

/**
 * Somebody to send the sample webhooks to, on loopback. It checks signatures like a real one, is busy the first time
 * for what goes to `/busy`, and wants nothing more to do with what goes to `/gone`.
 */
export async function startReceiver(secret: string, port: number): Promise<Receiver> {
  const busyWith = new Set<string>()

  async function answer(
    request: IncomingMessage,
  ): Promise<[status: number, headers: Record<string, string>]> {
    const body = await readBody(request)
    if (body === undefined) return [413, {}]
    if (!verifyWebhook(secret, request.headers, body, Date.now())) return [401, {}]
    const id = String(request.headers['webhook-id'])
    if (request.url === '/gone') return [410, {}]
    if (request.url !== '/busy' || busyWith.delete(id)) return [204, {}]
    busyWith.add(id)
    return [503, { 'retry-after': '1' }]
  }

  const server = createServer((request, response) => {
    answer(request).then(
      ([status, headers]) => response.writeHead(status, headers).end(),
      () => response.destroy(),
    )
  })
  const address = await listen(server, port).catch(() => listen(server, 0))
  return {
    url: `http://127.0.0.1:${address.port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function listen(server: ReturnType<typeof createServer>, port: number): Promise<AddressInfo> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server.address() as AddressInfo
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBodyBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
