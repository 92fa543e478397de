import type { HandlerDefinition, Job } from '@aimq/worker'

/** Runs a handler on its own, as a worker would: one job, one answer. */
export async function runHandler<Payload>(
  definition: HandlerDefinition<Payload>,
  payload: Payload,
  overrides: Partial<Job<Payload>> = {},
): Promise<unknown> {
  return await definition.handler({
    queue: definition.queue.name,
    id: '7',
    payload,
    headers: {},
    attempt: 1,
    readCount: 1,
    enqueuedAt: 1_700_000_000_123.456,
    waitedMs: 1,
    signal: new AbortController().signal,
    ...overrides,
  })
}
