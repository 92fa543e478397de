/** What is being done, as it begins an error message. */
export type Operation =
  | 'connect'
  | 'create'
  | 'drop'
  | 'list'
  | 'metrics'
  | 'send'
  | 'read'
  | 'settle'
  | 'extend'
  | 'dead-letter'
  | 'probe'
  | 'peek'
  | 'purge'
  | 'redrive'
  | 'prune'
  | 'install'
  | 'uninstall'

/** The least that `operation` needs, as statements to run. A right that is there already does no harm. */
export function grantsFor(
  operation: Operation,
  queue: string | undefined,
  tables: Readonly<Record<string, string>> = {},
): string[] {
  const usage = 'grant usage on schema pgmq to <role>;'
  const q = `pgmq.q_${queue ?? '<queue>'}`
  const a = `pgmq.a_${queue ?? '<queue>'}`
  const deadLetters = `pgmq.${tables.dead_letter ?? `q_${queue ?? '<queue>'}_dlq`}`
  const producer = [`grant insert, select (msg_id) on ${q} to <role>;`]
  switch (operation) {
    case 'send':
      return [usage, ...producer, ...idempotencyGrants(queue)]
    case 'read':
    case 'extend':
      return [usage, `grant select, update on ${q} to <role>;`]
    case 'settle':
      return [
        usage,
        `grant select, update, delete on ${q} to <role>;`,
        `grant insert, select (msg_id) on ${a} to <role>;`,
      ]
    case 'dead-letter':
      return [
        usage,
        `grant select, update, delete on ${q} to <role>;`,
        `grant insert, select (msg_id) on ${deadLetters} to <role>;`,
      ]
    case 'probe':
      return [usage, `grant select on ${q} to <role>;`]
    case 'peek':
    case 'metrics':
      return [usage, `grant select on ${q}, ${a} to <role>;`]
    case 'list':
      return [usage, 'grant select on pgmq.meta to <role>;']
    case 'purge':
      return [usage, `grant select, truncate on ${q} to <role>;`]
    case 'redrive':
      return [
        usage,
        `grant select, update, delete on ${q} to <role>;`,
        `grant insert, select (msg_id) on pgmq.${tables.target ?? 'q_<queue>'} to <role>;`,
      ]
    case 'prune':
      return queue === undefined
        ? [
            'grant usage on schema aimq to <role>;',
            'grant select, update, delete on aimq.idempotency_key to <role>;',
          ]
        : [usage, `grant select, update, delete on ${a} to <role>;`]
    case 'create':
      return [
        'grant usage, create on schema pgmq to <role>;',
        'grant select, insert on pgmq.meta to <role>;',
        '-- or create the queue once, as the owner of the database',
      ]
    case 'drop':
      return [
        usage,
        'grant select, delete on pgmq.meta to <role>;',
        `-- and run it as the owner of ${q}, or: grant <owner> to <role>;`,
      ]
    case 'install':
      return [
        'grant create on database <database> to <role>;',
        '-- and where the schema is there already: grant usage, create on schema aimq to <role>; grant select, insert on aimq.migration to <role>;',
      ]
    case 'uninstall':
      return ['-- run it as the role that ran install()']
    case 'connect':
      return ['grant connect on database <database> to <role>;', usage]
  }
}

function idempotencyGrants(queue: string | undefined): string[] {
  return [
    '-- and for idempotency keys:',
    'grant usage on schema aimq to <role>;',
    'grant select, insert, update on aimq.idempotency_key to <role>;',
    `grant usage on sequence pgmq.q_${queue ?? '<queue>'}_msg_id_seq to <role>;`,
  ]
}
