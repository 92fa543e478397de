import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Version 1 of control groups has a tree for memory alone; in version 2 all are one tree. */
const trees = [
  { root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes' },
  { root: '/sys/fs/cgroup', limit: 'memory.max' },
]

/** What to execute, with what has to come before its arguments. */
export interface Start {
  readonly execPath: string
  readonly execArgv: readonly string[]
}

/** This Node, with all the memory of the machine where there is no limit. */
export function nodeWithin(limit: MemoryLimit | undefined): Start {
  return limit?.around(process.execPath) ?? { execPath: process.execPath, execArgv: [] }
}

/**
 * A control group of Linux, which is what limits a container: for what runs in it, this is all the memory there is. Node
 * sizes its heap by that.
 */
export class MemoryLimit implements Disposable {
  readonly #group: string

  private constructor(group: string) {
    this.#group = group
  }

  /** `undefined` where there are no such groups, or none may be made. */
  static of(megabytes: number): MemoryLimit | undefined {
    for (const { root, limit } of trees) {
      const group = join(root, `aimq-bench-${process.pid}-${megabytes}`)
      try {
        mkdirSync(group)
      } catch {
        continue
      }
      // The kernel puts it there, if groups limit memory in this tree.
      if (existsSync(join(group, limit))) {
        writeFileSync(join(group, limit), String(megabytes * 1024 * 1024))
        return new MemoryLimit(group)
      }
      rmdirSync(group)
    }
    return undefined
  }

  /** A program that goes into the group and becomes `program`. */
  around(program: string): Start {
    const script = 'echo $$ >"$0" && exec "$@"'
    return { execPath: '/bin/sh', execArgv: ['-c', script, join(this.#group, 'cgroup.procs'), program] }
  }

  /** When all that ran in it has ended. */
  [Symbol.dispose](): void {
    rmdirSync(this.#group)
  }
}
