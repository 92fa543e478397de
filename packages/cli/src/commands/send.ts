import { type CommandSpec, durationMs, moment, whole } from '../command.ts'

export const sendCommand: CommandSpec = {
  name: 'send',
  operands: '<queue> [payload]',
  summary: 'send one message, or every line of a file',
  details:
    'The payload is JSON; "-" reads one JSON document from stdin. A file holds one JSON payload per line (NDJSON), and ' +
    '"--file -" reads those from stdin. It is checked before anything is sent; what is read from stdin is checked batch by ' +
    'batch. A send that was interrupted says from which line on to go on.',
  database: true,
  json: true,
  options: [
    { flags: '-f, --file <path>', help: 'send every line of this file' },
    { flags: '--delay <time>', help: 'due so much later: 30s, 5m, 2h, 1d', parse: durationMs },
    { flags: '--at <time>', help: 'due at this time: 2030-01-31T09:00:00Z', parse: moment },
    { flags: '--key <key>', help: 'idempotency key: the same key twice within a day is one message' },
    { flags: '--key-field <name>', help: 'of a file: the field of each payload that is its idempotency key' },
    { flags: '--skip-bad', help: 'of a file: leave out lines that are no JSON, and send the rest' },
    {
      flags: '--rejects <path>',
      help: 'of a file: write the lines left out to this file, to mend and send again',
    },
    { flags: '--from-line <n>', help: 'of a file: begin at this line', parse: whole(1, 1e15) },
    {
      flags: '--batch <n>',
      help: 'of a file: messages per statement (default: 1000)',
      parse: whole(1, 10_000),
    },
  ],
  examples: [
    [`send emails '{"to":"ada@example.com"}'`, 'one message'],
    [`send emails '{"to":"ada@example.com"}' --delay 5m --key welcome-7`, 'later, and only once'],
    ['send emails --file jobs.ndjson --skip-bad', 'every line that is JSON'],
    ['send emails --file - < jobs.ndjson', 'from stdin'],
  ],
  load: () => import('../run/send.ts'),
}
