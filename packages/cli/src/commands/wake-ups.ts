import { type CommandSpec, durationMs, type OptionSpec, whole } from '../command.ts'

export const pathOption: OptionSpec = {
  flags: '--path <path>',
  help: 'how the database tells: notify, realtime or both (default: both where Supabase Realtime is, else notify)',
  choices: ['notify', 'realtime', 'both'],
}
const all: OptionSpec = { flags: '--all', help: 'every queue but those of dead letters' }
const policy: OptionSpec = {
  flags: '--policy',
  help: 'and the policy by which workers may hear the private Realtime topic',
}
const replaceForeign: OptionSpec = {
  flags: '--replace-foreign',
  help: 'in place of the triggers of the Python project and of pgmq.enable_notify_insert',
}

export const wakeUpCommands: readonly CommandSpec[] = [
  {
    name: 'enable-realtime',
    operands: '[queue...]',
    summary: 'let the database wake workers: a trigger on each queue that tells of every new job',
    details: 'Without a name: asks which, on a terminal. A second time changes nothing.',
    database: true,
    json: true,
    options: [
      all,
      pathOption,
      policy,
      replaceForeign,
      { flags: '--migration [folder]', help: 'write a migration (default: into supabase/migrations)' },
    ],
    examples: [
      ['enable-realtime emails', 'one queue'],
      ['enable-realtime --all --path notify', 'every queue, over LISTEN/NOTIFY only'],
    ],
    load: () => import('../run/enable-realtime.ts'),
  },
  {
    name: 'disable-realtime',
    operands: '[queue...]',
    summary: 'take the triggers away again: workers find new jobs by polling',
    database: true,
    json: true,
    options: [
      all,
      { flags: '--migration [folder]', help: 'write a migration (default: into supabase/migrations)' },
    ],
    examples: [['disable-realtime emails', 'one queue']],
    load: () => import('../run/disable-realtime.ts'),
  },
  {
    name: 'realtime status',
    summary: 'prove each path by which workers can be woken, with a canary there and back',
    details:
      'LISTEN/NOTIFY on the database, and Supabase Realtime where SUPABASE_URL and SUPABASE_KEY are set. Exits with 3 when no path is healthy.',
    database: true,
    json: true,
    options: [
      {
        flags: '--timeout <time>',
        help: 'how long to wait for the canaries (default: 10s)',
        parse: durationMs,
      },
    ],
    examples: [['realtime status', 'which paths there are, and how fast they are']],
    load: () => import('../run/realtime-status.ts'),
  },
  {
    name: 'realtime listen',
    summary: 'watch wake-ups arrive, until Ctrl-C',
    database: true,
    json: true,
    options: [{ flags: '-n, --count <n>', help: 'end after so many', parse: whole(1, 1e9) }],
    examples: [
      ['realtime listen', 'then send something from another terminal'],
      ['realtime listen --json --count 1', 'for a script: the next one'],
    ],
    load: () => import('../run/realtime-listen.ts'),
  },
  {
    name: 'realtime broadcast',
    operands: '[queue]',
    summary: 'send a wake-up by hand: look at this queue',
    database: true,
    json: true,
    options: [
      { flags: '-n, --count <n>', help: 'how many jobs came', parse: whole(1, 1e9) },
      { flags: '--due <time>', help: 'they are due so much later: 30s, 5m', parse: durationMs },
    ],
    examples: [['realtime broadcast emails', 'its workers look at once']],
    load: () => import('../run/realtime-broadcast.ts'),
  },
]

export const triggerCommands: readonly CommandSpec[] = [
  {
    name: 'triggers list',
    operands: '[queue...]',
    summary: 'list the triggers, and what is wrong with them',
    database: true,
    json: true,
    examples: [['triggers list', 'every queue and table trigger']],
    load: () => import('../run/triggers-list.ts'),
  },
  {
    name: 'triggers plan',
    operands: '[queue...]',
    summary: 'show what enable-realtime would do, without doing it',
    database: true,
    json: true,
    options: [
      all,
      pathOption,
      policy,
      replaceForeign,
      { flags: '--sql', help: 'and the statements' },
      { flags: '--exit-code', help: 'exit with 3 when something would change' },
    ],
    examples: [
      ['triggers plan --all', 'what is missing'],
      ['triggers plan --all --exit-code', 'fails in CI when the database has drifted'],
    ],
    load: () => import('../run/triggers-plan.ts'),
  },
  {
    name: 'triggers repair',
    operands: '[queue...]',
    summary: 'mend triggers that were changed, disabled or are of an old version',
    details: 'Without a name: all that stand. They keep the settings they have.',
    database: true,
    json: true,
    examples: [['triggers repair', 'all of them']],
    load: () => import('../run/triggers-repair.ts'),
  },
  {
    name: 'triggers migration',
    operands: '<queue...>',
    summary: 'write a migration that installs the triggers, instead of touching a database',
    json: true,
    options: [
      { ...pathOption, help: 'how the database tells: notify, realtime or both (default: both)' },
      policy,
      { flags: '--remove', help: 'that takes them away' },
      { flags: '--folder <path>', help: 'where to (default: supabase/migrations)' },
      { flags: '--print', help: 'print it instead' },
    ],
    examples: [
      ['triggers migration emails', 'into supabase/migrations'],
      ['triggers migration emails --print --path notify', 'to look at'],
    ],
    load: () => import('../run/triggers-migration.ts'),
  },
]
