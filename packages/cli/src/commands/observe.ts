import type { CommandSpec } from '../command.ts'

export const observeCommands: readonly CommandSpec[] = [
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
]
