import { deployedFlags } from '../process/deployed.ts'

/** How much memory a worker may take. */
export interface Room {
  /** As the end of a title says it. */
  readonly title: string
  /** What Node is started with. */
  readonly flags: readonly string[]
  readonly memoryLimitMb?: number
}

/** A worker started as `apps/worker` is, with all the machine's memory and in containers; and one started as `node` alone. */
export function rooms(...containersMb: readonly number[]): Room[] {
  const flags = deployedFlags()
  return [
    { title: '', flags },
    ...containersMb.map((mb) => ({ title: `, in a container of ${mb} MB`, flags, memoryLimitMb: mb })),
    { title: ', Node started without flags', flags: [] },
  ]
}
