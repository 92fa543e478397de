import type { Context } from '../context.ts'
import { withBus } from '../with-bus.ts'

export async function run(context: Context): Promise<void> {
  const { output, signal } = context
  await withBus(context, { needs: ['queue'] }, async ({ bus }) => {
    await bus.request('queue:install', {}, { signal })
    if (output.json) output.data({ table: 'aimq.idempotency_key' })
    output.line(`${output.style('green', '✓')} the table of idempotency keys is there: aimq.idempotency_key`)
  })
}
