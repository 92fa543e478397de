import { type CommandSpec, type ProgramSpec, whole } from '../command.ts'

export const localCommands: readonly CommandSpec[] = [
  {
    name: 'init',
    operands: '[folder]',
    summary: 'lay out a project: handlers, an example of .env, optional Supabase migrations and a Dockerfile',
    details: 'Nothing that is there is overwritten.',
    json: true,
    options: [
      { flags: '--supabase', help: 'and a migration for the Supabase CLI: pgmq, a first queue, its trigger' },
      { flags: '--docker', help: 'and a Dockerfile that runs the worker' },
      { flags: '--all', help: 'and both' },
    ],
    examples: [
      ['init', 'here; asks what else is wanted, on a terminal'],
      ['init jobs --supabase --docker', 'in the folder jobs, with everything'],
    ],
    load: () => import('../run/init.ts'),
  },
  {
    name: 'dev',
    summary: 'run a PostgreSQL with pgmq and a local Realtime, until Ctrl-C',
    details: 'The data stays in .aimq across runs. Every other command in this folder finds it by itself.',
    json: true,
    options: [
      { flags: '--data-dir <path>', help: 'where the data is kept (default: .aimq)' },
      {
        flags: '--port <n>',
        help: 'of PostgreSQL, on loopback (default: 54329, or a free one)',
        parse: whole(1, 65_535),
      },
      {
        flags: '--realtime-port <n>',
        help: 'of Realtime (default: 54330, or a free one)',
        parse: whole(1, 65_535),
      },
      { flags: '--no-realtime', help: 'PostgreSQL only' },
    ],
    examples: [
      ['dev', 'in the foreground, with what to copy into .env'],
      ['dev --json', 'one line of JSON when it is ready'],
    ],
    load: () => import('../run/dev.ts'),
  },
]

export const startCommand: ProgramSpec = {
  name: 'start',
  operands: '[handlers]',
  summary: 'work jobs: run the handlers in a folder, one file for each queue',
  examples: [['start handlers', 'handlers/emails.ts works the queue "emails"']],
  takesOver: true,
  load: () => import('../run/start.ts'),
}
