import { expect, it } from 'vitest'
import { realtime } from '../src/index.ts'

it.each([
  ['listen', { listen: 'postgres://somewhere/jobs?sslmode=sometimes' }],
  [
    'supabase.connectionString',
    {
      supabase: {
        url: 'https://somewhere.example',
        key: 'a key',
        connectionString: 'postgres://somewhere/jobs?sslmode=sometimes',
      },
    },
  ],
])(
  'refuses a connection string with a bad sslmode at once, by the name of its option: %s',
  (option, options) => {
    expect(() => realtime(options)).toThrow(
      expect.objectContaining({
        code: 'realtime/invalid-options',
        message: expect.stringMatching(new RegExp(`${option}.*expected sslmode to be one of .*"sometimes"`)),
      }),
    )
  },
)
