import { assertQueueName } from '@aimq/events'
import type { CommandSpec } from './command.ts'

/**
 * Refuses names that no queue can have: here for every command, and before any of them opens anything. A command that is
 * about queues takes them first, one or several.
 */
export function checkQueueNames(
  { operands = '' }: Pick<CommandSpec, 'operands'>,
  [named]: readonly unknown[],
): void {
  if (named === undefined || !/^[<[]queue\b/.test(operands)) return
  for (const name of Array.isArray(named) ? named : [named]) assertQueueName(name)
}
