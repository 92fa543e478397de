import { connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy that can stop passing anything on while its connections stay open, as a dead network does. */
export interface TestProxy extends AsyncDisposable {
  readonly url: string
  readonly connections: number
  /** From now on, bytes of connections that are open go nowhere; new ones are passed on. */
  blackhole(): void
  /** Passes a request on and cuts the connection before the answer: what was done is done, and nobody knows. */
  cutBeforeAnswer(pattern: string): void
  /** New connections are closed at once, while this is on. */
  refuse(on: boolean): void
  /** The end of the next login arrives in one packet with whatever the server says after it; `onLogin` is told of it. */
  joinLoginWithWhatFollows(onLogin: () => void): void
}

export async function startProxy(target: string): Promise<TestProxy> {
  const url = new URL(target)
  const server = { port: Number(url.port), host: url.hostname }
  const pairs = new Set<{ down: Socket; up: Socket; dead: boolean }>()
  let cutting: string | undefined
  let refusing = false
  let tellLogin: (() => void) | undefined
  const listener: Server = createServer((down) => {
    if (refusing) {
      down.destroy()
      return
    }
    const up = connect(server)
    const pair = { down, up, dead: false }
    pairs.add(pair)
    let cut = false
    let held: Buffer | undefined
    down.on('data', (bytes) => {
      if (cutting !== undefined && bytes.includes(cutting)) {
        cut = true
        cutting = undefined
      }
      if (!pair.dead) up.write(bytes)
    })
    up.on('data', (bytes) => {
      if (tellLogin !== undefined && bytes.includes('server_version')) {
        held = bytes
        tellLogin()
        tellLogin = undefined
      } else if (held !== undefined) {
        down.write(Buffer.concat([held, bytes]))
        held = undefined
      } else if (cut) down.destroy()
      else if (!pair.dead) down.write(bytes)
    })
    for (const socket of [down, up]) {
      socket.on('error', () => {})
      socket.on('close', () => {
        pairs.delete(pair)
        if (pair.dead && socket === up) return
        down.destroy()
        up.end()
      })
    }
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const address = listener.address()
  url.port = String(typeof address === 'object' ? address?.port : '')
  return {
    url: url.href,
    get connections() {
      return pairs.size
    },
    blackhole: () => {
      for (const pair of pairs) pair.dead = true
    },
    cutBeforeAnswer: (pattern) => {
      cutting = pattern
    },
    joinLoginWithWhatFollows: (onLogin) => {
      tellLogin = onLogin
    },
    refuse: (on) => {
      refusing = on
    },
    async [Symbol.asyncDispose]() {
      for (const { down, up } of pairs) {
        down.destroy()
        up.destroy()
      }
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}
