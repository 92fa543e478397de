/** How each language of a fenced block is checked. A block in any other language fails the tests: nobody looks at it. */
export const languages: Readonly<Record<string, string>> = {
  ts: 'type-checked by tsc; run where its output follows',
  js: 'type-checked by tsc, as plain JavaScript',
  json: 'parsed',
  yaml: 'parsed',
  sql: 'run on a PostgreSQL with pgmq and Realtime, and rolled back',
  sh: 'its commands, scripts and flags exist',
  text: 'what a block before it prints; a session that is only shown has its commands checked',
}
