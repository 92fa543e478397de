/*
 * One sample of every fact and request of contract version 0.1, as it stands on the wire. Never edited: a later
 * contract must still accept all of it. The type annotation makes the compiler say so, `test/golden.test.ts` checks
 * that it is plain JSON and passes a bus.
 */
import type { Facts, RequestInput, RequestName, RequestOutput } from '../src/index.ts'

const job = { queue: 'emails', id: '42', attempt: 1 }
const error = { code: 'Error', message: 'no route to host' }
const lease = { id: '42', readCount: 1, enqueuedAt: 1_795_442_349_123.456 }
const message = { ...lease, payload: { to: 'a@example.com' }, headers: { tenant: 'x' } }
const finding = { problem: 'disabled', message: 'expected the trigger enabled, found it disabled' } as const
const settings = {
  paths: ['notify', 'realtime'],
  channel: 'aimq:jobs',
  private: true,
  always: false,
  throttleMs: 100,
} as const
const change = {
  action: 'create',
  object: 'trigger aimq_notify_emails on pgmq.q_emails',
  reason: 'it is missing',
  sql: 'create trigger …',
} as const
const tableJob = {
  name: 'order_paid',
  schema: 'public',
  table: 'orders',
  queue: 'emails',
  operations: ['insert', 'update'],
  updateOf: ['status'],
  when: "new.status = 'paid'",
  payload: ['id', 'status'],
  delayMs: 500,
  coalesceBy: ['id'],
  onFailure: 'abort',
} as const
const next = { nextDueInMs: 1500.25, newestId: '43' }

export const facts: { readonly [Name in keyof Facts]: Facts[Name] } = {
  'bus:plugin-started': { plugin: 'queue' },
  'bus:plugin-stopped': { plugin: 'queue' },
  'bus:listener-failed': { fact: 'job:enqueued', error },
  'job:enqueued': { queue: 'emails', count: 3, dueAt: 1_795_442_350_000, source: 'client' },
  'queue:created': { queue: 'emails' },
  'queue:dropped': { queue: 'emails' },
  'queue:purged': { queue: 'emails', count: 7 },
  'queue:message-dead-lettered': {
    queue: 'emails',
    id: '42',
    deadLetterQueue: 'emails_dlq',
    deadLetterId: '1',
    reason: 'out-of-attempts',
  },
  'worker:job-started': { ...job, readCount: 1, dueAt: 1_795_442_349_123.456, waitedMs: 2.5 },
  'worker:job-completed': { ...job, durationMs: 12.5 },
  'worker:job-retried': { ...job, cause: 'failed', delayMs: 1500, error },
  'worker:job-dead-lettered': { ...job, deadLetterQueue: 'emails_dlq', reason: 'out-of-attempts', error },
  'worker:job-released': { ...job, reason: 'shutdown' },
  'worker:lease-lost': job,
  'worker:queue-idled': { queue: 'emails' },
  'worker:wakeups-wanted': { queue: 'emails', wanted: false },
  'worker:queue-paused': { queue: 'emails', cause: 'unavailable', message: 'the database does not answer' },
  'worker:queue-resumed': { queue: 'emails' },
  'worker:worker-started': { queues: ['emails'] },
  'worker:worker-stopped': { queues: ['emails'] },
  'realtime:path-connected': { path: 'listen' },
  'realtime:path-lost': { path: 'supabase', cause: 'the token has expired' },
  'realtime:wakeups-missed': { path: 'listen', queues: ['emails'] },
  'realtime:health-changed': { health: 'degraded', cause: 'the canary did not come back' },
  'triggers:trigger-installed': { queue: 'emails', paths: ['notify', 'realtime'] },
  'triggers:trigger-removed': { queue: 'emails' },
  'triggers:trigger-drifted': { queue: 'emails', findings: [finding] },
  'triggers:table-job-installed': { name: 'order_paid', table: 'public.orders', queue: 'emails' },
  'triggers:table-job-removed': { name: 'order_paid' },
  'triggers:table-job-drifted': { name: 'order_paid', findings: [finding] },
}

export const requests: {
  readonly [Name in RequestName]: { readonly input: RequestInput<Name>; readonly output: RequestOutput<Name> }
} = {
  'queue:create': {
    input: { queue: 'emails', partitioned: { partitionInterval: '1 day', retentionInterval: '7 days' } },
    output: { created: true },
  },
  'queue:drop': { input: { queue: 'emails' }, output: { dropped: true } },
  'queue:list': {
    input: {},
    output: {
      queues: [{ queue: 'emails', partitioned: false, unlogged: false, createdAt: 1_795_442_349_123.456 }],
    },
  },
  'queue:metrics': {
    input: { queue: 'emails' },
    output: { queue: 'emails', total: 6, ready: 1, leased: 2, scheduled: 3, oldestReadyMs: 1.5, archived: 9 },
  },
  'queue:send': {
    input: {
      queue: 'emails',
      messages: [
        {
          payload: { to: 'a@example.com' },
          headers: { tenant: 'x' },
          delayMs: 1000,
          idempotencyKey: 'order-1',
        },
        { payload: null, dueAt: 1_795_442_350_000 },
      ],
    },
    output: { ids: ['42', '43'], duplicateIds: ['42'] },
  },
  'queue:read': {
    input: { queue: 'emails', count: 10, leaseMs: 30_000 },
    output: {
      messages: [{ ...message, dueAt: 1_795_442_349_123.456 }],
      readAt: 1_795_442_349_125,
      next: null,
    },
  },
  'queue:probe': { input: { queue: 'emails' }, output: next },
  'queue:settle': {
    input: {
      queue: 'emails',
      settlements: [
        { ...lease, action: 'archive' },
        { ...lease, action: 'delete' },
        { ...lease, action: 'release', delayMs: 1500, headers: { 'x-aimq-failures': 1 } },
        { ...lease, action: 'dead-letter', deadLetterQueue: 'emails_dlq', reason: 'broken', headers: {} },
      ],
      read: { count: 10, leaseMs: 30_000 },
    },
    output: { lost: ['42'], read: { messages: [], readAt: 1_795_442_349_125, next } },
  },
  'queue:extend': { input: { queue: 'emails', leases: [lease], leaseMs: 30_000 }, output: { lost: [] } },
  'queue:peek': {
    input: { queue: 'emails', limit: 20, afterId: '41', archived: false },
    output: { messages: [{ ...message, visibleAt: 1_795_442_349_123.456, archivedAt: null }] },
  },
  'queue:purge': { input: { queue: 'emails' }, output: { count: 7 } },
  'queue:redrive': {
    input: { queue: 'emails_dlq', to: 'emails', ids: ['1'], limit: 10 },
    output: { count: 1 },
  },
  'queue:install': { input: {}, output: {} },
  'queue:capabilities': {
    input: {},
    output: { postgresVersion: '18.4', pgmqVersion: '1.11.1', partitioned: false, idempotency: true },
  },
  'worker:status': {
    input: {},
    output: {
      state: 'running',
      wakeupsProven: false,
      queues: [
        {
          queue: 'emails',
          state: 'running',
          running: 1,
          buffered: 0,
          completed: 5,
          retried: 1,
          deadLettered: 0,
          released: 0,
          leasesLost: 0,
          reads: 9,
          emptyReads: 4,
          hints: 3,
        },
      ],
    },
  },
  'worker:pause': { input: { queue: 'emails' }, output: { queues: ['emails'] } },
  'worker:resume': { input: {}, output: { queues: ['emails'] } },
  'worker:drain': { input: {}, output: { completed: 5 } },
  'realtime:status': {
    input: {},
    output: {
      health: 'healthy',
      leader: 'listen',
      paths: [
        { path: 'listen', health: 'healthy', canaryMs: 1.5 },
        { path: 'supabase', health: 'degraded', cause: 'the access token has expired' },
      ],
      hints: 12,
      ignored: 1,
    },
  },
  'realtime:broadcast': { input: { queue: 'emails', count: 1, dueInMs: 0 }, output: { paths: ['listen'] } },
  'triggers:roles': {
    input: {
      queues: ['emails', { name: 'orders', deadLetterQueue: 'morgue' }],
      roles: ['producer', 'worker'],
      prefix: 'shop',
      rowSecurity: true,
      realtimeTopic: 'aimq:jobs',
      remove: false,
      apply: false,
    },
    output: { sql: '-- …', applied: false },
  },
  'triggers:install-table': { input: { jobs: [tableJob] }, output: { changes: [change] } },
  'triggers:plan-table': {
    input: { jobs: [{ ...tableJob, payload: { to: 'new.email' } }] },
    output: { changes: [change] },
  },
  'triggers:remove-table': {
    input: { names: ['order_paid'] },
    output: { changes: [{ ...change, action: 'remove' }] },
  },
  'triggers:table-migration': {
    input: { jobs: [tableJob], remove: false, naming: 'plain' },
    output: { fileName: 'aimq_job_order_paid.sql', sql: '-- …' },
  },
  'triggers:install': {
    input: { queues: ['emails'], ...settings, replaceForeign: false, policy: true },
    output: { changes: [change] },
  },
  'triggers:remove': {
    input: { queues: ['emails'] },
    output: { changes: [{ ...change, action: 'remove' }] },
  },
  'triggers:list': {
    input: {},
    output: {
      triggers: [
        {
          name: 'emails',
          kind: 'queue',
          table: 'pgmq.q_emails',
          installed: true,
          version: 1,
          settings,
          findings: [finding],
        },
        {
          name: 'order_paid',
          kind: 'table',
          table: 'public.orders',
          installed: true,
          version: 1,
          job: tableJob,
          findings: [],
        },
      ],
      policy: { installed: true, findings: [] },
    },
  },
  'triggers:plan': { input: { queues: ['emails'], ...settings }, output: { changes: [change] } },
  'triggers:repair': { input: {}, output: { changes: [{ ...change, action: 'enable' }] } },
  'triggers:migration': {
    input: {
      queues: ['emails'],
      ...settings,
      remove: false,
      policy: true,
      replaceForeign: false,
      naming: 'supabase',
    },
    output: { fileName: '20261123000000_aimq_emails.sql', sql: '-- …' },
  },
}
