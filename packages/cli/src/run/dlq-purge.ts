import type { Context } from '../context.ts'
import { deadLetterQueueOf } from '../dead-letters.ts'
import { run as purge } from './purge.ts'

export const run = (context: Context, options: { readonly yes?: boolean }, named: string): Promise<void> =>
  purge(context, options, [deadLetterQueueOf(named)])
