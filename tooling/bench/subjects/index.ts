import { aimq } from './aimq.ts'
import { bullmq } from './bullmq.ts'
import { graphile } from './graphile.ts'
import { pgBoss } from './pg-boss.ts'
import { raw } from './raw.ts'
import type { Subject } from './subject.ts'

/** Every contestant, by the name that workloads use. A process of a subject makes it anew from that name. */
export const subjects = {
  aimq: aimq({ label: 'AIMQ, defaults', settings: 'nothing set: concurrency 10, archive' }),
  'aimq-delete': aimq({
    label: 'AIMQ, completed jobs deleted',
    settings: 'onComplete delete, else defaults',
    policy: { onComplete: 'delete' },
  }),
  'aimq-best': aimq({
    label: 'AIMQ, tuned',
    settings: 'onComplete delete, concurrency 50, maxPrefetch 5000',
    policy: { onComplete: 'delete', concurrency: 50, maxPrefetch: 5000 },
  }),
  'aimq-listen': aimq({ label: 'AIMQ over LISTEN', settings: 'defaults, wake-up trigger', wake: 'listen' }),
  'aimq-realtime': aimq({
    label: 'AIMQ over Realtime',
    settings: 'defaults, wake-up trigger, the local Realtime server',
    wake: 'realtime',
  }),
  'aimq-poll': aimq({ label: 'AIMQ by polling', settings: 'defaults, polls every second' }),
  'aimq-1000': aimq({
    label: 'AIMQ, 1,000 queues',
    settings: 'defaults, wake-up trigger, LISTEN, one worker for 1,000 queues',
    wake: 'listen',
    queues: 1000,
  }),
  raw: raw({
    label: 'raw pgmq loops',
    settings: 'pgmq.read(500), pgmq.delete(ids), two connections',
    finish: 'delete',
    sends: 'function',
    listens: false,
  }),
  'raw-archive': raw({
    label: 'raw pgmq loops that archive',
    settings: 'pgmq.read(500), pgmq.archive(ids), two connections',
    finish: 'archive',
    sends: 'function',
    listens: false,
  }),
  'raw-insert': raw({
    label: 'raw INSERT, no trigger',
    settings: 'insert into pgmq.q_…, one connection for each call in flight (20 at most)',
    finish: 'delete',
    sends: 'insert',
    listens: false,
  }),
  'raw-triggered': raw({
    label: 'raw pgmq.send with AIMQ’s trigger',
    settings: 'the wake-up trigger of @aimq/triggers, nobody listening',
    finish: 'delete',
    sends: 'function',
    listens: false,
    triggered: true,
  }),
  'raw-listen': raw({
    label: 'raw LISTEN loop',
    settings: 'statement trigger with pg_notify, LISTEN, pgmq.read, pgmq.delete',
    finish: 'delete',
    sends: 'function',
    listens: true,
  }),
  graphile: graphile({
    label: 'graphile-worker, best',
    settings: 'concurrentJobs 24, localQueue 2000, completeJobBatchDelay 0',
    concurrentJobs: 24,
    localQueue: 2000,
  }),
  'graphile-10': graphile({
    label: 'graphile-worker, 10 at once',
    settings: 'concurrentJobs 10, localQueue 500, completeJobBatchDelay 0',
    concurrentJobs: 10,
    localQueue: 500,
  }),
  'graphile-single': graphile({
    label: 'graphile-worker, unbatched',
    settings: 'concurrentJobs 10, no localQueue: its quickest to wake',
    concurrentJobs: 10,
  }),
  'pg-boss': pgBoss({
    label: 'pg-boss, best',
    settings:
      'batchSize 1000, localConcurrency 4, burstWhenBatchFull, partitioned queue, notify, polling 0.5 s',
    batchSize: 1000,
    localConcurrency: 4,
  }),
  'pg-boss-10': pgBoss({
    label: 'pg-boss, 10 at once',
    settings: 'batchSize 10, else the same',
    batchSize: 10,
    localConcurrency: 1,
  }),
  bullmq: bullmq({
    label: 'BullMQ, best',
    settings: 'Redis without persistence, concurrency 100, removeOnComplete',
    concurrency: 100,
  }),
  'bullmq-10': bullmq({
    label: 'BullMQ, 10 at once',
    settings: 'Redis without persistence, concurrency 10, removeOnComplete',
    concurrency: 10,
  }),
} satisfies Record<string, Subject>

export type SubjectName = keyof typeof subjects

/** The subject of that name, seen as any. */
export function subjectOf(name: SubjectName): Subject {
  return subjects[name]
}
