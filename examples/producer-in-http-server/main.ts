import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createQueueClient } from '@aimq/queue'
import pg from 'pg'
import { receipts } from './queues.ts'
import { createOrderServer } from './server.ts'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
const client = createQueueClient({ pool })
await client.create(receipts)
const server = createOrderServer(pool, client).listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo

// There is one book. The second order fails after its job was sent, and takes the job back with it.
for (const item of ['book', 'book']) {
  const response = await fetch(`http://127.0.0.1:${port}/orders?item=${item}`, { method: 'POST' })
  console.log(response.status, await response.text())
}
const { messages } = await client.read(receipts, { count: 10, leaseMs: 30_000 })
console.log(
  'jobs:',
  messages.map(({ payload }) => payload),
)

server.close()
server.closeAllConnections()
await client.close()
await pool.end()
