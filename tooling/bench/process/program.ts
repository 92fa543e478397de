/* A subject's own process: works or sends as its parent asks, and ends with it. */
import { ProducerTask } from './producer-task.ts'
import type { Tasks } from './tasks.ts'
import { WorkerTask } from './worker-task.ts'

const worker = new WorkerTask()
const producer = new ProducerTask()

const tasks: { [Name in keyof Tasks]: (input: Tasks[Name]['input']) => unknown } = {
  work: (input) => worker.start(input),
  tally: () => worker.tally(),
  forget: ({ total }) => worker.forget(total),
  open: (input) => producer.open(input),
  fill: (input) => producer.fill(input),
  sendOne: ({ n, delayMs }) => producer.sendOne(n, delayMs),
  sendSingly: ({ inFlight, ms }) => producer.sendSingly(inFlight, ms),
  sendBatches: ({ count, size }) => producer.sendBatches(count, size),
  sendSteadily: (input) => producer.sendSteadily(input),
  stop: async () => {
    await worker.stop()
    await producer.stop()
  },
}

process.on('message', async ({ id, task, input }: { id: number; task: keyof Tasks; input: never }) => {
  try {
    process.send?.({ id, output: await tasks[task](input) })
  } catch (thrown) {
    process.send?.({ id, error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) })
  }
})
process.once('disconnect', () => process.exit(0))
