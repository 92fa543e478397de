import { createServer, type Server } from 'node:http'
import type { QueueClient } from '@aimq/queue'
import type { Pool } from 'pg'
import { receipts } from './queues.ts'

/** `POST /orders?item=…`: the order and the job to send its receipt are both there, or neither is. */
export function createOrderServer(pool: Pool, client: QueueClient): Server {
  return createServer(async (request, response) => {
    const item = new URL(request.url ?? '/', 'http://server').searchParams.get('item')
    const transaction = await pool.connect()
    try {
      await transaction.query('begin')
      const { rows } = await transaction.query('insert into orders (item) values ($1) returning id', [item])
      await client.send(receipts, { orderId: rows[0].id }, { transaction })
      await transaction.query(`update stock set pieces = pieces - 1 where item = $1`, [item])
      await transaction.query('commit')
      response.writeHead(201).end(`order ${rows[0].id} is taken`)
    } catch {
      await transaction.query('rollback')
      response.writeHead(409).end(`${item} is sold out`)
    } finally {
      transaction.release()
    }
  })
}
