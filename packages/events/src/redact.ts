const secretNames = '[a-z_-]*(?:password|passwd|pwd|api_?key|secret|token)'

const secrets: readonly [RegExp, string][] = [
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@"']*):[^\s@"']*@/gi, '$1:***@'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '***'],
  [/\bsb_secret_[\w-]+/g, 'sb_secret_***'],
  [/\b(bearer|basic)\s+[\w.~+/=-]+/gi, '$1 ***'],
  [new RegExp(`\\b(${secretNames}\\s*=\\s*)[^\\s&,;]+`, 'gi'), '$1***'],
  // A colon alone also stands in prose («secret: expected …»), so the value has to be quoted, as in JSON and in `inspect`.
  [new RegExp(`\\b(${secretNames}["']?\\s*:\\s*)(["'])(?:(?!\\2).)*\\2`, 'gi'), '$1$2***$2'],
]

/**
 * `text` without what must never reach a log: passwords in connection strings and `password=` pairs, JSON Web Tokens,
 * Supabase secret keys, Authorization values.
 */
export function redact(text: string): string {
  return secrets.reduce((clean, [pattern, replacement]) => clean.replaceAll(pattern, replacement), text)
}
