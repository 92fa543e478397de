import { CliError } from './cli-error.ts'
import type { Context } from './context.ts'
import type { Database } from './database.ts'
import { exitCode } from './exit-code.ts'

/**
 * Before something is lost: `--yes`, or a yes on a terminal. `what` is a sentence about what is lost, and the host is
 * named with it.
 */
export async function confirmLoss(
  { output, signal }: Pick<Context, 'output' | 'signal'>,
  { location }: Database,
  what: string,
  yes: boolean | undefined,
): Promise<void> {
  if (yes === true) return
  if (!output.interactive) throw new CliError(`${what} on ${location}; add --yes to do so`)
  const { confirm, isCancel } = await import('@clack/prompts')
  const message = `${what} on ${location}. Go on?`
  const answer = await confirm({ message, initialValue: false, output: process.stderr, signal })
  if (isCancel(answer) || !answer) throw new CliError('nothing was done', exitCode.interrupted)
}
