/**
 * Helpers for tests of anything on the bus. Needs vitest for the suites (`describeService`, `describeQueueContract`).
 *
 * @module
 */
export { describeQueueContract, type QueueContractHarness } from './testing/describe-queue-contract.ts'
export { describeService, type ServiceHarness } from './testing/describe-service.ts'
export { type FakeClock, fakeClock } from './testing/fake-clock.ts'
export { type MemoryQueue, memoryQueue } from './testing/memory-queue.ts'
export { nextFact, type RecordedFact, recordFacts } from './testing/record-facts.ts'
