import { expect, test } from 'vitest'
import { checkHorizon } from '../src/doctor/horizon.ts'
import { checkPgmq } from '../src/doctor/pgmq.ts'
import { checkPolicies, type PolicyRow } from '../src/doctor/policies.ts'
import { checkQueues, type QueueRow } from '../src/doctor/queues.ts'
import { checkServer, type ServerRow } from '../src/doctor/server.ts'

const levels = (findings: readonly { readonly level: string }[]) => findings.map(({ level }) => level)

const server: ServerRow = {
  version: '16.4',
  version_num: 160_004,
  standby: false,
  role: 'app',
  superuser: false,
  bypasses_rls: false,
  backend: 1,
  tls: true,
  now_ms: '0',
  notification_usage: 0,
  connections: 3,
  max_connections: 100,
}

test('the server: version, standby, clock, notifications, connections', () => {
  expect(levels(checkServer(server, 5))).toEqual(['ok'])
  expect(levels(checkServer({ ...server, version: '13.9', version_num: 130_009 }, 0))).toEqual(['fault'])
  expect(levels(checkServer({ ...server, standby: true }, 0))).toEqual(['ok', 'fault'])
  expect(levels(checkServer(server, -60_000))).toEqual(['ok', 'note'])
  expect(levels(checkServer({ ...server, notification_usage: 0.5 }, 0))).toEqual(['ok', 'fault'])
  expect(levels(checkServer({ ...server, connections: 95 }, 0))).toEqual(['ok', 'warning'])
})

test.each([
  ['1.4.4', 'ok'],
  ['1.11.1', 'ok'],
  ['2.0', 'ok'],
  ['1.4.3', 'fault'],
  ['1.3.9', 'fault'],
  ['0.9', 'fault'],
])('pgmq %s: %s', (extension, level) => {
  expect(levels(checkPgmq({ installed: true, extension, idempotency: true }, 'aimq'))).toEqual([level])
})

test('pgmq as plain SQL is as good', () => {
  const row = { installed: true, extension: null, idempotency: true }
  expect(checkPgmq(row, 'aimq')).toMatchObject([
    { level: 'ok', message: expect.stringContaining('plain SQL') },
  ])
})

const queue: QueueRow = {
  queue: 'emails',
  has_table: true,
  unlogged: false,
  may_use_schema: true,
  may_work: true,
  may_send: true,
  may_archive: true,
  live: '10',
  dead: '0',
  vacuumed: null,
}

test('queues: names, tables, rights, dead rows', () => {
  const check = (row: Partial<QueueRow>) => checkQueues([{ ...queue, ...row }], 'app', 'aimq')
  expect(levels(check({}))).toEqual(['ok'])
  expect(levels(check({ queue: 'MyQueue' }))).toEqual(['warning'])
  expect(levels(check({ has_table: false }))).toEqual(['fault'])
  expect(check({ may_archive: false })).toMatchObject([
    { remedy: expect.stringContaining('on pgmq.a_emails to "app"') },
  ])
  expect(check({ dead: '50000' })).toMatchObject([
    { level: 'warning', message: expect.stringContaining('50,000 dead rows') },
  ])
  expect(levels(check({ dead: '50000', live: '1000000' }))).toEqual(['ok'])
})

test('what holds the oldest snapshot, only when it is old', () => {
  const session = {
    kind: 'session',
    name: 'pid 7 (psql, idle in transaction)',
    age_seconds: 20,
    xmin_age: 100,
  }
  expect(levels(checkHorizon([session]))).toEqual(['ok'])
  expect(checkHorizon([{ ...session, age_seconds: 4000 }])).toMatchObject([
    { level: 'warning', message: expect.stringContaining('for 1 h 6 min: pid 7') },
  ])
  expect(
    levels(checkHorizon([{ kind: 'replication slot', name: 's', age_seconds: null, xmin_age: 9e6 }])),
  ).toEqual(['warning'])
})

test('policies: none, the narrow one, and one that opens every topic', () => {
  const realtime = { has_messages: true, row_security: true }
  const narrow: PolicyRow = {
    policy: 'aimq_workers_receive',
    command: 'select',
    permissive: true,
    roles: ['authenticated'],
    using_expression: "(extension = 'broadcast') and (realtime.topic() like 'aimq:%')",
    check_expression: null,
  }
  const open = { ...narrow, policy: 'everybody', using_expression: 'true' }
  expect(levels(checkPolicies({ ...realtime, has_messages: false }, [], 'aimq'))).toEqual(['note'])
  expect(levels(checkPolicies({ ...realtime, row_security: false }, [], 'aimq'))).toEqual(['fault'])
  expect(levels(checkPolicies(realtime, [], 'aimq'))).toEqual(['note'])
  expect(levels(checkPolicies(realtime, [narrow], 'aimq'))).toEqual(['ok'])
  expect(levels(checkPolicies(realtime, [narrow, open], 'aimq'))).toEqual(['ok', 'warning'])
})
