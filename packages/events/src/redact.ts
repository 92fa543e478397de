const secrets: readonly [RegExp, string][] = [
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s@]*@/gi, '$1:***@'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '***'],
  [/\bsb_secret_[\w-]+/g, 'sb_secret_***'],
  [/\b(bearer|basic)\s+[\w.~+/=-]+/gi, '$1 ***'],
  [/\b([a-z_]*(?:password|passwd|pwd|apikey|api_key|secret|token))("?\s*[=:]\s*"?)[^\s"'&,;}]+/gi, '$1$2***'],
]

/**
 * `text` without what must never reach a log: passwords in connection strings and `password=` pairs, JSON Web Tokens,
 * Supabase secret keys, Authorization values.
 */
export function redact(text: string): string {
  return secrets.reduce((clean, [pattern, replacement]) => clean.replaceAll(pattern, replacement), text)
}
