import { createServer } from 'node:net'
import { EmbeddedError, embeddedErrorCodes } from './errors.ts'
import { defaultPort } from './options.ts'

/** The port asked for if it is free; if none was asked for, the default one or any. */
export async function choosePort(requested: number | undefined): Promise<number> {
  if (requested === undefined) return (await tryPort(defaultPort)) ?? (await anyPort())
  const free = await tryPort(requested)
  if (free !== undefined) return free
  throw new EmbeddedError(
    embeddedErrorCodes.portTaken,
    `expected port ${requested} on 127.0.0.1 to be free, but another program listens there (or this user may not). Choose another port, or leave it out for a free one.`,
  )
}

/** A port that was free a moment ago. */
export async function anyPort(): Promise<number> {
  const port = await tryPort(0)
  if (port !== undefined) return port
  throw new EmbeddedError(
    embeddedErrorCodes.startFailed,
    'expected a free TCP port on 127.0.0.1, but the system gave none. See whether the loopback interface is up.',
  )
}

async function tryPort(port: number): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>()
  const server = createServer()
  server.once('error', () => resolve(undefined))
  server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
    const address = server.address()
    const chosen = typeof address === 'object' && address !== null ? address.port : undefined
    server.close(() => resolve(chosen))
  })
  return await promise
}
