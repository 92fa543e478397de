/** What the queue client says in each kind of statement, named as its file is, by which a proxy picks it. */
export const statementMarks = {
  settle: 'archivable',
  extend: 'lease.read_ct',
  send: 'with ordinality as batch',
  'send-idempotent': 'idempotency_key as known',
  'dead-letter': 'x-aimq-dead-letter',
} as const

/** Said where `settle` reads, too. */
export const readMark = 'skip locked'
