import type { MemoryLimit } from '../machine/memory-limit.ts'
import type { Servers } from '../machine/servers.ts'
import type { Figure } from '../measurement.ts'
import type { SubjectName } from '../subjects/index.ts'
import type { Inspector, Place } from '../subjects/subject.ts'

/** One thing that is measured, of several subjects. */
export interface Workload {
  /** What `--only` takes. Several workloads may share it. */
  readonly family: string
  /** As the table says it. */
  readonly title: string
  readonly subjects: readonly SubjectName[]
  /** Left out of a quick run. */
  readonly slow?: boolean
  /** Measured once whatever `--runs` says, because a run takes minutes or every sample is many. */
  readonly once?: boolean
  /** All subjects at the same time, because nobody does anything but wait. */
  readonly together?: boolean
  /** All the memory its workers are to have; skipped where that cannot be limited. Else they have the machine's. */
  readonly memoryLimitMb?: number | undefined
  /** @throws when what was done is not what was asked for, however fast */
  run(bench: Bench): Promise<readonly Figure[]>
}

/** Where a run happens. */
export interface Bench {
  readonly subject: SubjectName
  readonly place: Place
  /** What workers take for that place, where they are away from it. */
  readonly workerPlace?: Place
  readonly inspector: Inspector
  readonly servers: Servers
  readonly quick: boolean
  readonly memoryLimit?: MemoryLimit | undefined
}
