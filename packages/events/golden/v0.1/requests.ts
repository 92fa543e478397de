/* One sample of every request of contract version 0.1, with every field it may have. See ../samples.ts. */
import type { RequestSamples } from '../samples.ts'

export const requests = {
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
      messages: [
        {
          id: '42',
          readCount: 1,
          enqueuedAt: 1_795_442_349_123.456,
          payload: { to: 'a@example.com' },
          headers: { tenant: 'x' },
          dueAt: 1_795_442_349_123.456,
        },
      ],
      readAt: 1_795_442_349_125,
      next: { nextDueInMs: 1500.25, newestId: '43' },
    },
  },
  'queue:probe': { input: { queue: 'emails' }, output: { nextDueInMs: 1500.25, newestId: '43' } },
  'queue:settle': {
    input: {
      queue: 'emails',
      settlements: [
        { id: '42', readCount: 1, enqueuedAt: 1_795_442_349_123.456, action: 'archive' },
        { id: '42', readCount: 1, enqueuedAt: 1_795_442_349_123.456, action: 'delete' },
        {
          id: '42',
          readCount: 1,
          enqueuedAt: 1_795_442_349_123.456,
          action: 'release',
          delayMs: 1500,
          headers: { 'x-aimq-failures': 1 },
        },
        {
          id: '42',
          readCount: 1,
          enqueuedAt: 1_795_442_349_123.456,
          action: 'dead-letter',
          deadLetterQueue: 'emails_dlq',
          reason: 'broken',
          headers: {},
        },
      ],
      read: { count: 10, leaseMs: 30_000 },
    },
    output: {
      lost: ['42'],
      read: {
        messages: [
          {
            id: '44',
            readCount: 1,
            enqueuedAt: 1_795_442_349_123.456,
            payload: { to: 'a@example.com' },
            headers: { tenant: 'x' },
            dueAt: 1_795_442_349_123.456,
          },
        ],
        readAt: 1_795_442_349_125,
        next: { nextDueInMs: 1500.25, newestId: '43' },
      },
    },
  },
  'queue:extend': {
    input: {
      queue: 'emails',
      leases: [{ id: '42', readCount: 1, enqueuedAt: 1_795_442_349_123.456 }],
      leaseMs: 30_000,
    },
    output: { lost: [] },
  },
  'queue:peek': {
    input: { queue: 'emails', limit: 20, afterId: '41', archived: false },
    output: {
      messages: [
        {
          id: '42',
          readCount: 1,
          enqueuedAt: 1_795_442_349_123.456,
          payload: { to: 'a@example.com' },
          headers: { tenant: 'x' },
          visibleAt: 1_795_442_349_123.456,
          archivedAt: null,
        },
      ],
    },
  },
  'queue:purge': { input: { queue: 'emails' }, output: { count: 7 } },
  'queue:redrive': {
    input: { queue: 'emails_dlq', to: 'emails', ids: ['1'], limit: 10 },
    output: { count: 1 },
  },
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
  'worker:resume': { input: { queue: 'emails' }, output: { queues: ['emails'] } },
  'worker:drain': { input: {}, output: { completed: 5 } },
  'realtime:status': {
    input: {},
    output: {
      health: 'degraded',
      cause: 'supabase: the access token has expired',
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
  'triggers:install': {
    input: {
      queues: ['emails'],
      paths: ['notify', 'realtime'],
      channel: 'aimq:jobs',
      private: true,
      always: false,
      throttleMs: 100,
      replaceForeign: false,
      policy: true,
    },
    output: {
      changes: [
        {
          action: 'create',
          object: 'trigger aimq_notify_emails on pgmq.q_emails',
          reason: 'it is missing',
          sql: 'create trigger …',
        },
      ],
    },
  },
  'triggers:remove': {
    input: { queues: ['emails'] },
    output: {
      changes: [
        {
          action: 'remove',
          object: 'trigger aimq_notify_emails on pgmq.q_emails',
          reason: 'it is missing',
          sql: 'create trigger …',
        },
      ],
    },
  },
  'triggers:list': {
    input: { queues: ['emails'] },
    output: {
      triggers: [
        {
          name: 'emails',
          kind: 'queue',
          table: 'pgmq.q_emails',
          installed: true,
          version: 1,
          settings: {
            paths: ['notify', 'realtime'],
            channel: 'aimq:jobs',
            private: true,
            always: false,
            throttleMs: 100,
          },
          findings: [{ problem: 'disabled', message: 'expected the trigger enabled, found it disabled' }],
        },
        {
          name: 'order_paid',
          kind: 'table',
          table: 'public.orders',
          installed: true,
          version: 1,
          findings: [],
        },
      ],
      policy: {
        installed: true,
        findings: [{ problem: 'drifted', message: 'expected the policy as it was installed, found another' }],
      },
    },
  },
  'triggers:plan': {
    input: {
      queues: ['emails'],
      paths: ['notify', 'realtime'],
      channel: 'aimq:jobs',
      private: true,
      always: false,
      throttleMs: 100,
      replaceForeign: false,
      policy: true,
    },
    output: {
      changes: [
        {
          action: 'create',
          object: 'trigger aimq_notify_emails on pgmq.q_emails',
          reason: 'it is missing',
          sql: 'create trigger …',
        },
      ],
    },
  },
  'triggers:repair': {
    input: { queues: ['emails'] },
    output: {
      changes: [
        {
          action: 'enable',
          object: 'trigger aimq_notify_emails on pgmq.q_emails',
          reason: 'it is missing',
          sql: 'create trigger …',
        },
      ],
    },
  },
  'triggers:migration': {
    input: {
      queues: ['emails'],
      paths: ['notify', 'realtime'],
      channel: 'aimq:jobs',
      private: true,
      always: false,
      throttleMs: 100,
      remove: false,
      policy: true,
      replaceForeign: false,
      naming: 'supabase',
    },
    output: { fileName: '20261123000000_aimq_emails.sql', sql: '-- …' },
  },
} as const satisfies RequestSamples
