import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below those that systems give to whoever asks for any, and away from the default ports of what runs in tests. */
const range = { from: 20_000, to: 32_000 }

/** A free port that nobody takes by chance while its server is down: not one of those that others begin with. */
export async function ownPort(): Promise<number> {
  for (;;) {
    const port = range.from + Math.floor(Math.random() * (range.to - range.from))
    const server = createServer().listen({ port, host: '127.0.0.1', exclusive: true })
    try {
      await once(server, 'listening')
    } catch {
      continue
    }
    server.close()
    await once(server, 'close')
    return port
  }
}
