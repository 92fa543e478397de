import { parseTls, tlsOptions } from '@aimq/events/tls'
import { describe, expect, it } from 'vitest'
import { createQueueClient } from '../src/index.ts'
import { failureOf, recordingLogger } from './database.ts'

function faultOf(options: unknown): string {
  try {
    createQueueClient(options as never)
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'queue/invalid-options' })
    return (thrown as Error).message
  }
  throw new Error('expected the options to be refused')
}

describe('options', () => {
  it('are refused with all faults at once', () => {
    const fault = faultOf({
      conectionString: 'x',
      maxConnections: 0,
      queryTimeoutMs: '5s',
      maxPayloadBytes: 1e9,
    })
    expect(fault).toContain('did you mean "connectionString"?')
    expect(fault).toContain('maxConnections: expected a whole number of connections from 1 to 1000')
    expect(fault).toContain('queryTimeoutMs:')
    expect(fault).toContain('maxPayloadBytes: expected a whole number of bytes from 1 to 8388608')
    expect(fault).toContain('expected exactly one of connectionString, pool and client, got none')
  })

  it.each<[unknown, string]>([
    [{}, 'got none'],
    [{ connectionString: 'postgres://x', client: { query: () => {} } }, 'got connectionString and client'],
    [{ connectionString: 'mysql://root:topsecret@x' }, 'postgres://'],
    [{ connectionString: 'postgres://me:topsecret@db.example.com/x?sslmode=maybe' }, 'sslmode'],
    [{ pool: {} }, 'a pg.Pool'],
    [{ client: { query: 5 } }, 'query(text, values)'],
    [undefined, 'Object'],
  ])('%j is refused', (options, message) => {
    const fault = faultOf(options)
    expect(fault).toContain(message)
    expect(fault).not.toContain('topsecret')
  })
})

describe('TLS', () => {
  it.each([
    ['postgres://u:p@localhost/x', 'off'],
    ['postgres://u:p@127.0.0.1:6543/x', 'off'],
    ['postgres://u:p@[::1]/x', 'off'],
    ['postgres:///x?host=/var/run/postgresql', 'off'],
    ['postgres://u@%2Fvar%2Frun/x', 'off'],
    ['postgres://u:p@localhost/x?sslmode=prefer', 'off'],
    ['postgres://u:p@localhost/x?sslmode=require', 'verify'],
    ['postgres://u:p@localhost/x?sslrootcert=/ca.pem', 'verify'],
    ['postgres://u:p@db.example.com/x', 'verify'],
    ['postgres://u:p@db.example.com/x?sslmode=prefer', 'verify'],
    ['postgres://u:p@db.example.com/x?sslmode=require', 'verify'],
    ['postgres://u:p@db.example.com/x?sslmode=verify-ca', 'verify'],
    ['postgres://u:p@db.example.com/x?ssl=false', 'verify'],
    ['postgres://u:p@localhost.example.com/x', 'verify'],
    ['postgres://u:localhost@db.example.com/x', 'verify'],
    ['postgres://u:p@db.example.com/x?sslmode=no-verify', 'no-verify'],
    ['postgres://u:p@db.example.com/x?sslmode=disable', 'off'],
  ])('%s → %s', (connectionString, mode) => {
    const wish = parseTls(connectionString)
    expect(wish.mode).toBe(mode)
    expect(wish.connectionString).not.toMatch(/ssl/)
  })

  it('keeps the other parameters', () => {
    expect(
      parseTls('postgres://h/x?application_name=a&sslmode=require&options=-c%20a%3Db').connectionString,
    ).toBe('postgres://h/x?application_name=a&options=-c+a%3Db')
  })

  it('warns of no-verify, and verifies otherwise', async () => {
    const logger = recordingLogger()
    expect(await tlsOptions(parseTls('postgres://h.example/x?sslmode=no-verify'), logger)).toEqual({
      rejectUnauthorized: false,
    })
    expect(logger.lines).toHaveLength(1)
    expect(await tlsOptions(parseTls('postgres://h.example/x'), logger)).toEqual({ rejectUnauthorized: true })
    expect(logger.lines).toHaveLength(1)
    const missing = parseTls('postgres://h.example/x?sslrootcert=/no/such/ca.pem')
    expect(await failureOf(tlsOptions(missing, logger))).toMatchObject({
      code: 'events/certificate-unreadable',
    })
  })
})
