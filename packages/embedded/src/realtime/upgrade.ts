import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Context } from './context.ts'
import { parseVersion } from './frames.ts'
import { Socket } from './socket.ts'

const maxFrameBytes = 5_000_000
const statusTexts: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

export interface Upgrades {
  handle(request: IncomingMessage, stream: Duplex, head: Buffer): void
  /** Test switch: answers every upgrade with this status. */
  refuseWith: number | undefined
  readonly counts: { accepted: number; refused: number }
}

/** Who may open a socket: anybody with a token that is good. */
export function createUpgrades(context: Context): Upgrades {
  const server = new WebSocketServer({ noServer: true, maxPayload: maxFrameBytes, perMessageDeflate: false })
  const upgrades: Upgrades = {
    refuseWith: undefined,
    counts: { accepted: 0, refused: 0 },
    handle(request, stream, head) {
      stream.on('error', () => {})
      judge(request).then(
        (verdict) => {
          if ('status' in verdict) return refuse(stream, verdict.status, verdict.error)
          server.handleUpgrade(request, stream, head, (ws) => {
            upgrades.counts.accepted += 1
            context.sockets.add(new Socket(context, ws, verdict))
          })
        },
        () => refuse(stream, 500, 'Internal server error'),
      )
    },
  }

  async function judge(
    request: IncomingMessage,
  ): Promise<{ status: number; error: string } | ConstructorParameters<typeof Socket>[2]> {
    await context.gate.passed()
    if (upgrades.refuseWith !== undefined) return { status: upgrades.refuseWith, error: 'Refused by a test' }
    const url = parseUrl(request.url)
    if (url === undefined || !url.pathname.endsWith('/websocket')) return { status: 404, error: 'Not found' }
    const version = parseVersion(url.searchParams.get('vsn'))
    if (version === undefined) return { status: 400, error: 'Unsupported serializer version' }
    const header = request.headers['x-api-key']
    const token = (typeof header === 'string' ? header : undefined) ?? url.searchParams.get('apikey')
    if (token === null || token === '') return { status: 401, error: 'Missing API key' }
    const { fault } = await context.tokens.verify(token)
    if (fault !== undefined) return { status: 401, error: `${fault.code}: ${fault.message}` }
    if (context.sockets.size >= (context.options.limits.sockets ?? Number.POSITIVE_INFINITY))
      return { status: 429, error: 'ConnectionRateLimitReached: Too many connected users' }
    return { version, token, headers: customHeaders(request) }
  }

  function refuse(stream: Duplex, status: number, error: string): void {
    upgrades.counts.refused += 1
    context.options.logger.warn({ status, error }, 'upgrade refused')
    const body = JSON.stringify({ error })
    stream.end(
      [
        `HTTP/1.1 ${status} ${statusTexts[status] ?? 'Refused'}`,
        'content-type: application/json; charset=utf-8',
        `content-length: ${Buffer.byteLength(body)}`,
        'connection: close',
        '',
        body,
      ].join('\r\n'),
    )
  }

  return upgrades
}

/** A path that is not one is nobody's. */
export function parseUrl(url: string | undefined): URL | undefined {
  return URL.parse(`http://localhost${url ?? '/'}`) ?? undefined
}

export function customHeaders(request: IncomingMessage): Record<string, string> {
  const own = Object.entries(request.headers).filter(([name]) => name.startsWith('x-'))
  return Object.fromEntries(own.map(([name, value]) => [name, String(value)]))
}
