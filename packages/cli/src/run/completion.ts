import { script } from '@bomb.sh/tab'
import type { Context } from '../context.ts'

/** The script goes to stdout, to be sourced or kept where the shell looks. */
export async function run(_context: Context, _options: object, shell: string): Promise<void> {
  script(shell, 'aimq', 'aimq')
}
