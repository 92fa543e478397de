import { type CommandSpec, each, whole } from '../command.ts'
import { pathOption } from './wake-ups.ts'

const yes = { flags: '-y, --yes', help: 'do it without asking' }

export const queueCommands: readonly CommandSpec[] = [
  {
    name: 'create',
    operands: '<queue...>',
    summary: 'create queues, their dead-letter queues, and the triggers that wake workers',
    details:
      'What is there already stays as it is. With --migration nothing is touched: a file for the Supabase CLI is written.',
    database: true,
    json: true,
    options: [
      { flags: '--no-realtime', help: 'without the trigger: workers find new jobs by polling' },
      pathOption,
      { flags: '--no-dlq', help: 'without the dead-letter queue' },
      {
        flags: '--partitioned [interval]',
        help: 'a partitioned queue; a number of messages or a time per partition (needs pg_partman)',
      },
      {
        flags: '--retention <interval>',
        help: 'how long partitions are kept, as a number of messages or a time',
      },
      { flags: '--migration [folder]', help: 'write a migration (default: into supabase/migrations)' },
    ],
    examples: [
      ['create emails', 'a queue that wakes its workers'],
      ['create events --partitioned "1 day" --retention "30 days"', 'for very many messages'],
      ['create emails --migration', 'as a file in supabase/migrations'],
    ],
    load: () => import('../run/create.ts'),
  },
  {
    name: 'drop',
    operands: '[queue...]',
    summary: 'drop queues with all their messages and their archives',
    database: true,
    json: true,
    options: [yes, { flags: '--with-dlq', help: 'and their dead-letter queues' }],
    examples: [['drop emails --yes', 'without asking']],
    load: () => import('../run/drop.ts'),
  },
  {
    name: 'purge',
    operands: '[queue...]',
    summary: 'delete every message in queues; the archive stays',
    database: true,
    json: true,
    options: [yes],
    examples: [['purge emails --yes', 'without asking']],
    load: () => import('../run/purge.ts'),
  },
  {
    name: 'install-keys',
    summary: 'make the table that idempotency keys need, once per database',
    details:
      'Safe to run again. Needs the right to create in the database, or in schema aimq when that is there.',
    database: true,
    json: true,
    examples: [['install-keys', 'then: send … --key welcome-7']],
    load: () => import('../run/install-keys.ts'),
  },
  {
    name: 'list',
    summary: 'list the queues, what is in them, and how their workers are woken',
    database: true,
    json: true,
    examples: [
      ['list', 'as a table'],
      ['list --json', 'for a script'],
    ],
    load: () => import('../run/list.ts'),
  },
  {
    name: 'stats',
    operands: '[queue...]',
    summary: 'count what is ready, in hand, scheduled and archived',
    details: 'Without a name: every queue.',
    database: true,
    json: true,
    examples: [
      ['stats emails', 'one queue'],
      ['stats --json', 'every queue, for a script'],
    ],
    load: () => import('../run/stats.ts'),
  },
  {
    name: 'peek',
    operands: '[queue]',
    summary: 'look at messages without taking them',
    database: true,
    json: true,
    options: [
      { flags: '-n, --limit <n>', help: 'at most so many (default: 20)', parse: whole(1, 10_000) },
      { flags: '--after <id>', help: 'only messages with a higher id: to page on' },
      { flags: '--archived', help: 'look into the archive instead' },
    ],
    examples: [
      ['peek emails', 'the oldest 20'],
      ['peek emails --archived --limit 5', 'what is done'],
    ],
    load: () => import('../run/peek.ts'),
  },
]

export const deadLetterCommands: readonly CommandSpec[] = [
  {
    name: 'dlq list',
    summary: 'list the dead-letter queues and what is in them',
    database: true,
    json: true,
    options: [{ flags: '--empty', help: 'the empty ones, too' }],
    examples: [['dlq list', 'where there are dead letters']],
    load: () => import('../run/dlq-list.ts'),
  },
  {
    name: 'dlq show',
    operands: '[queue]',
    summary: 'show dead letters: what came, how often it was tried, and why it was given up',
    details: 'The queue is named by itself or by its dead-letter queue: "emails" means "emails_dlq".',
    database: true,
    json: true,
    options: [
      { flags: '-n, --limit <n>', help: 'at most so many (default: 20)', parse: whole(1, 10_000) },
      { flags: '--after <id>', help: 'only letters with a higher id: to page on' },
    ],
    examples: [['dlq show emails', 'the oldest 20']],
    load: () => import('../run/dlq-show.ts'),
  },
  {
    name: 'dlq redrive',
    operands: '[queue]',
    summary: 'send dead letters back to where they came from',
    details:
      'Each batch moves in one statement: a letter is in one queue or in the other, never in both or in none.',
    database: true,
    json: true,
    options: [
      { flags: '--id <id>', help: 'only this letter; may be given several times', parse: each },
      {
        flags: '-n, --limit <n>',
        help: 'at most so many, the oldest of each origin first',
        parse: whole(1, 1_000_000_000),
      },
      { flags: '--to <queue>', help: 'to this queue instead' },
    ],
    examples: [
      ['dlq redrive emails', 'all of them'],
      ['dlq redrive emails --id 7 --id 9', 'two of them'],
    ],
    load: () => import('../run/dlq-redrive.ts'),
  },
  {
    name: 'dlq purge',
    operands: '[queue]',
    summary: 'delete every dead letter of a queue',
    database: true,
    json: true,
    options: [yes],
    examples: [['dlq purge emails --yes', 'without asking']],
    load: () => import('../run/dlq-purge.ts'),
  },
]
