import { createBus } from '../src/index.ts'
import { describeQueueContract, memoryQueue } from '../src/testing.ts'

describeQueueContract('memoryQueue', {
  async open() {
    const bus = createBus()
    await bus.use(memoryQueue([]))
    return bus
  },
  close: (bus) => bus.stop(),
})
