const secretNames = '(?:password|passwd|pwd|api_?key|secret|token)'
const beforeColon = `${secretNames}\\\\{0,8}["']?\\s*:\\s*\\\\{0,8}`
/** What is longer is cut: nobody reads on, and patterns have their limits. */
const maxLength = 1_000_000

/*
 * Texts come from outside, so every pattern takes time in proportion to the text: nothing unbounded stands before what
 * a match begins with, and what is unbounded after it cannot fail.
 */
const secrets: readonly [RegExp, string][] = [
  // Up to the last @ of the word: a password may hold some that nobody escaped.
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/[^\s:/@"']{0,128}):[^\s"']{0,1024}@/gi, '$1:***@'],
  [/\beyJ[\w-]{1,4096}\.[\w-]{1,8192}\.[\w-]*/g, '***'],
  [/\bsb_secret_[\w-]+/g, 'sb_secret_***'],
  [/\b(bearer|basic)\s+[\w.~+/=-]+/gi, '$1 ***'],
  [
    new RegExp(
      `(${secretNames}\\s*=\\s*)(?:'[^'\\\\]*(?:\\\\.[^'\\\\]*)*'?|"[^"\\\\]*(?:\\\\.[^"\\\\]*)*"?|[^\\s&,;]+)`,
      'gis',
    ),
    '$1***',
  ],
  // A colon alone also stands in prose («secret: expected …»), so the value has to be quoted, as in JSON and in
  // `inspect`; once more escaped where JSON is quoted in JSON; and to the end where the text was cut.
  [new RegExp(`(${beforeColon})'[^'\\\\]*(?:\\\\.[^'\\\\]*)*(?:'|\\\\?$)`, 'gis'), "$1'***'"],
  [new RegExp(`(${beforeColon})"[^"\\\\]*(?:\\\\.[^"\\\\]*)*(?:"|\\\\?$)`, 'gis'), '$1"***"'],
]

/** One of these is in every secret, and in no name or number. */
const sign = /[:=]|eyJ|sb_secret_|(?:bearer|basic)\s/i

/**
 * `text` without what must never reach a log: passwords in connection strings and `password=` pairs, JSON Web Tokens,
 * Supabase secret keys, Authorization values. What is longer than a million characters is cut.
 */
export function redact(text: string): string {
  const short = text.slice(0, maxLength)
  if (!sign.test(short)) return short
  return secrets.reduce((clean, [pattern, replacement]) => clean.replaceAll(pattern, replacement), short)
}
