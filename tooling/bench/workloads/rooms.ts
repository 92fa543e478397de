import { deployedFlags } from '../process/deployed.ts'

/** How much memory a worker may take. */
export interface Room {
  /** As the end of a title says it. */
  readonly title: string
  /** What Node is started with. */
  readonly flags: readonly string[]
  readonly memoryLimitMb?: number
}

/** With the flags that `apps/worker` gives to Node; in containers, by whose size Node goes without flags; and with neither. */
export function rooms(...containersMb: readonly number[]): Room[] {
  const flags = deployedFlags()
  return [
    { title: `, with ${flags.join(' ')}`, flags },
    ...containersMb.map((mb) => ({ title: `, in a container of ${mb} MB`, flags: [], memoryLimitMb: mb })),
    { title: ', with neither', flags: [] },
  ]
}

/** `apps/worker` has its flags everywhere: where memory is not limited, and in containers. */
export function deployedRooms(...containersMb: readonly number[]): Room[] {
  const flags = deployedFlags()
  return [
    { title: '', flags },
    ...containersMb.map((mb) => ({ title: `, in a container of ${mb} MB`, flags, memoryLimitMb: mb })),
    { title: ', without its flags', flags: [] },
  ]
}
