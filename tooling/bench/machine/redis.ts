import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

export interface RedisServer {
  readonly port: number
  readonly pid: number
  readonly version: string
  /** Commands it has answered so far. */
  commands(): Promise<number>
  stop(): Promise<void>
}

/** A Redis that keeps nothing on disk; undefined where there is no `redis-server`. */
export async function startRedis(): Promise<RedisServer | undefined> {
  const version = await versionOfRedis()
  if (version === undefined) return undefined
  const port = await freePort()
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  await Promise.race([saysReady(child), pause(10_000)])
  const { Redis } = await import('ioredis')
  const client = new Redis({ host: '127.0.0.1', port })
  return {
    port,
    pid: child.pid as number,
    version,
    commands: async () => Number(/total_commands_processed:(\d+)/.exec(await client.info('stats'))?.[1]),
    stop: async () => {
      client.disconnect()
      if (child.exitCode !== null) return
      const exit = once(child, 'exit')
      child.kill()
      await exit
    },
  }
}

function versionOfRedis(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn('redis-server', ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    child.on('error', () => resolve(undefined))
    child.on('close', () => resolve(/v=(\S+)/.exec(text)?.[1]))
  })
}

async function saysReady(child: ChildProcess): Promise<void> {
  for await (const chunk of child.stdout ?? []) {
    if (!String(chunk).includes('Ready to accept connections')) continue
    // Read on, or its output would fill the pipe.
    child.stdout?.resume()
    return
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}
