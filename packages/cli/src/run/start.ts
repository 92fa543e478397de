import { runWorker } from '../start/run-worker.ts'

/** `aimq start [handlers]`: the first word, if it is no flag, is the folder. */
export function run(argv: readonly string[], program: string): Promise<never> {
  const [first, ...rest] = argv
  const named = first !== undefined && !first.startsWith('-')
  return runWorker(
    {
      name: 'aimq start',
      description:
        'Works the jobs of pgmq queues. Without DATABASE_URL: on the embedded PostgreSQL of this folder.',
      examples: [
        `${program} start handlers                  handlers/emails.ts works the queue "emails"`,
        `${program} start                           the same: the folder "handlers" is the usual one`,
        `${program} start handlers --drain          and exit when all is done`,
        `${program} start --env production.env --log-format json --no-create-queues`,
      ],
      defaultHandlers: 'handlers',
    },
    (named ? ['--handlers', first, ...rest] : argv).map(underItsOtherName),
  )
}

/** Every command takes `--env-file`, and none says so: Node reads it, too, and ends without our words when there is no such file. */
const underItsOtherName = (word: string): string => word.replace(/^--env-file(?==|$)/, '--env')
