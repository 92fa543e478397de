import { SubjectProcess } from '../process/subject-process.ts'
import type { FillInput } from '../process/tasks.ts'
import type { Bench } from './workload.ts'

/** Puts jobs into the queue, by the subject's own batch call, and checks that they are there. */
export async function fill(bench: Bench, wish: FillInput): Promise<void> {
  const { inspector } = bench
  const before = await inspector.count()
  await fillUnseen(bench, wish)
  const added = (await inspector.count()) - before
  if (added !== wish.count) throw new Error(`expected ${wish.count} jobs in the queue, found ${added}`)
}

/** The same while a worker takes them away already. */
export async function fillUnseen({ subject, place }: Bench, wish: FillInput): Promise<void> {
  await using producer = new SubjectProcess()
  await producer.ask('open', { subject, place, inFlight: 1 })
  await producer.ask('fill', wish)
}
