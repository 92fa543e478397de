import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

/** A way to a server that is as long as a network's: what goes in at one end comes out at the other after `oneWayMs`. */
export interface Distance extends AsyncDisposable {
  /** Where the server seems to be. */
  readonly url: string
}

export async function distance(url: string, oneWayMs: number): Promise<Distance> {
  const server = new URL(url)
  const open = new Set<Socket>()
  const carry = (from: Socket, to: Socket) => {
    open.add(from)
    // Timers of one length go off in the order in which they were set.
    from.on('data', (bytes) => setTimeout(() => to.writable && to.write(bytes), oneWayMs))
    from.on('close', () => {
      open.delete(from)
      setTimeout(() => to.destroy(), oneWayMs)
    })
    from.on('error', () => from.destroy())
  }
  const entrance = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: server.hostname, port: Number(server.port), noDelay: true })
    carry(near, far)
    carry(far, near)
  })
  entrance.listen(0, '127.0.0.1')
  await once(entrance, 'listening')
  const seen = new URL(url)
  seen.hostname = '127.0.0.1'
  seen.port = String((entrance.address() as AddressInfo).port)
  return {
    url: seen.href,
    async [Symbol.asyncDispose]() {
      entrance.close()
      for (const socket of open) socket.destroy()
    },
  }
}
