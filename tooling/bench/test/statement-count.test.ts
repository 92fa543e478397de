import pg from 'pg'
import { expect, inject, it } from 'vitest'
import { startTcpProxy } from '../../faults/harness/tcp-proxy.ts'
import { StatementCount } from '../machine/statement-count.ts'

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string
  }
}

it('counts what a client asks of the database, however it asks, and nothing else', async () => {
  const sent = new StatementCount()
  await using way = await startTcpProxy(inject('databaseUrl'), sent.ofClient)
  const client = new pg.Client({ connectionString: way.url })
  await client.connect()
  try {
    expect(sent.total).toBe(0)
    await client.query('select 1')
    expect(sent.total).toBe(1)
    // Longer than one packet, and answered by the database itself.
    const text = 'x'.repeat(300_000)
    const { rows } = await client.query('select length($1) as length', [text])
    expect(rows[0].length).toBe(300_000)
    for (let n = 0; n < 3; n++) await client.query({ name: 'prepared', text: 'select $1::int', values: [n] })
    expect(sent.total).toBe(5)
  } finally {
    await client.end()
  }
})
