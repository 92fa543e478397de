import { mkdtempSync, rmSync } from 'node:fs'
import { enableCompileCache, getCompileCacheDir } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * What the process that imports handlers first has compiled, for this one to take over. It then loads them sooner, and
 * never loads what strips types, which Node keeps: some 20 MB. Node 22 does not keep stripped sources, and compiles again.
 */
export class Compiled implements Disposable {
  /** Of Node's compile cache; undefined where none can be written, or where Node has another one. */
  readonly folder: string | undefined = getCompileCacheDir() === undefined ? temporaryFolder() : undefined
  readonly #remove = () => this[Symbol.dispose]()

  constructor() {
    // Handlers that end the process while they are loaded leave nothing behind.
    process.once('exit', this.#remove)
  }

  /** From here on modules of this process are taken from it. */
  take(): void {
    if (this.folder !== undefined) enableCompileCache(this.folder)
  }

  /** Once the handlers are loaded; what is loaded later, Node compiles. */
  [Symbol.dispose](): void {
    process.off('exit', this.#remove)
    if (this.folder === undefined) return
    try {
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
    } catch {
      // A folder too many is no reason not to start.
    }
  }
}

/** Only this user can write to it. */
function temporaryFolder(): string | undefined {
  try {
    return mkdtempSync(join(tmpdir(), 'aimq-handlers-'))
  } catch {
    return undefined
  }
}
