import { type CommandSpec, durationMs, whole } from '../command.ts'
import { pathOption } from './wake-ups.ts'

export const observeCommands: readonly CommandSpec[] = [
  {
    name: 'top',
    operands: '[queue...]',
    summary: 'watch queues live: depth, age, throughput, latency, health of each wake-up path',
    details:
      'p50 and p95 are from sent to archived, of the jobs done in the last minute. Counting scans the queues: on very large ones choose a longer --interval. q or Ctrl-C leaves.',
    database: true,
    json: true,
    options: [
      { flags: '--once', help: 'print it once instead' },
      { flags: '-i, --interval <time>', help: 'between two looks (default: 2s)', parse: durationMs },
    ],
    examples: [
      ['top', 'every queue'],
      ['top emails --interval 500ms', 'one, closely'],
      ['top --once --json', 'for a script'],
    ],
    load: () => import('../run/top.ts'),
  },
  {
    name: 'doctor',
    summary: 'look for everything that can be wrong, and say what to do about it',
    details: 'Changes nothing. Exits with 3 when something does not work.',
    database: true,
    json: true,
    options: [{ flags: '--security', help: 'and who may do what: grants to strangers, roles, every policy' }],
    examples: [
      ['doctor', 'everything'],
      ['doctor --security --json', 'for a report'],
    ],
    load: () => import('../run/doctor.ts'),
  },
  {
    name: 'bench',
    summary: 'measure this database: how soon a job starts, and how many are worked per second',
    details:
      'On a queue of its own with a name nobody has, which is dropped afterwards, also after Ctrl-C. On a database of another machine it asks first, or wants --yes.',
    database: true,
    json: true,
    options: [
      {
        flags: '--samples <n>',
        help: 'jobs one by one, for the latency (default: 200)',
        parse: whole(1, 100_000),
      },
      {
        flags: '--jobs <n>',
        help: 'jobs at once, for the throughput; 0 for none (default: 10000)',
        parse: whole(0, 10_000_000),
      },
      { flags: '--concurrency <n>', help: 'handlers at once (default: 10)', parse: whole(1, 10_000) },
      pathOption,
      { flags: '-y, --yes', help: 'do it without asking' },
    ],
    examples: [
      ['bench', 'both, with a histogram'],
      ['bench --path notify --jobs 0 --json', 'the latency over LISTEN/NOTIFY, for a script'],
    ],
    load: () => import('../run/bench.ts'),
  },
]
