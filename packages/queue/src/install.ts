import type { Operations } from './operations.ts'
import { migration, statement } from './sql.ts'

/** Installs the table of idempotency keys in schema `aimq`. Does nothing where it is installed; safe for many at once. */
export async function installSchema(operations: Operations, signal: AbortSignal | undefined): Promise<void> {
  const { text, checksum } = migration('0001_idempotency_key')
  const { name, parameters, text: template } = statement('install')
  const block = template.replaceAll('#checksum#', checksum).replace('#migration#', () => text)
  await operations.database.run({ name, parameters, text: block }, {}, { operation: 'install', signal })
}

/** Removes what {@link installSchema} made. Keys are forgotten; queues and messages stay. */
export async function uninstallSchema(
  operations: Operations,
  signal: AbortSignal | undefined,
): Promise<void> {
  await operations.database.run(statement('uninstall'), {}, { operation: 'uninstall', signal })
}
