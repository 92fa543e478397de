import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Bus } from '@aimq/events'
import { digestsQueue } from '../handlers/digests.ts'
import { webhooksQueue } from '../handlers/webhooks.ts'

const maxFiles = 20
/** The receiver is busy once with one of these, and gone for another: a retry and a dead letter to look at. */
const webhookPaths = ['/orders', '/orders', '/orders', '/busy', '/gone']

/** Whether a queue never held anything: nothing in it, nothing in its archive, nothing in its dead-letter queue. */
export async function isUntouched(bus: Bus, queues: readonly string[]): Promise<boolean> {
  const metrics = await Promise.all(queues.map((queue) => bus.request('queue:metrics', { queue })))
  return metrics.every(({ total, archived }) => total === 0 && archived === 0)
}

/**
 * Digests of the files below `root`, and webhooks to `receiverUrl`; one by one, as an application would send them.
 * Answers with the jobs as `queue/id`.
 */
export async function sendSampleJobs(bus: Bus, root: string, receiverUrl: string): Promise<Set<string>> {
  const sent = new Set<string>()
  const send = async (queue: string, payload: unknown) => {
    const { ids } = await bus.request('queue:send', { queue, messages: [{ payload }] })
    for (const id of ids) sent.add(`${queue}/${id}`)
  }
  for (const path of await someFiles(root)) await send(digestsQueue.name, { path })
  for (const [index, path] of webhookPaths.entries()) {
    await send(webhooksQueue.name, {
      url: receiverUrl + path,
      body: { event: 'order.paid', order: index + 1 },
    })
  }
  return sent
}

/** Sample webhooks that an earlier run left behind go to a receiver that ended with it: the port it had. */
export async function leftReceiverPort(bus: Bus): Promise<number> {
  const { messages } = await bus.request('queue:peek', { queue: webhooksQueue.name, limit: 20 })
  for (const { payload } of messages) {
    const url = URL.parse(String((payload as { url?: unknown } | null)?.url))
    if (url?.hostname === '127.0.0.1' && webhookPaths.includes(url.pathname)) return Number(url.port)
  }
  return 0
}

/** Not what is hidden (it may hold secrets), and not what others wrote or tools made. */
const skipped = /^(\..*|node_modules|dist|coverage)$/

/** The nearest files first, folder by folder, in the order of their names. */
async function someFiles(root: string): Promise<string[]> {
  const files: string[] = []
  const folders = [root]
  for (const folder of folders) {
    const entries = (await readdir(folder, { withFileTypes: true }).catch(() => [])).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )
    for (const entry of entries.filter(({ name }) => !skipped.test(name))) {
      const path = join(folder, entry.name)
      if (entry.isDirectory() && folders.length < 200) folders.push(path)
      if (entry.isFile()) files.push(relative(root, path))
      if (files.length === maxFiles) return files
    }
  }
  return files
}
