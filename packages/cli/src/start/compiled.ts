import { mkdtempSync, rmSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * What the process that imports handlers first has compiled, for this one to take over. It then loads them sooner, and
 * never loads what strips types, which Node keeps: some 20 MB. Node 22 does not keep stripped sources, and compiles again.
 */
export class Compiled implements Disposable {
  /** Of Node's compile cache; undefined where none can be written, or where Node was told of another one. */
  readonly folder: string | undefined = process.env.NODE_COMPILE_CACHE ? undefined : temporaryFolder()

  /** From here on modules of this process are taken from it. */
  take(): void {
    if (this.folder !== undefined) enableCompileCache(this.folder)
  }

  /** Once the handlers are loaded; what is loaded later, Node compiles. */
  [Symbol.dispose](): void {
    if (this.folder !== undefined) rmSync(this.folder, { recursive: true, force: true })
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
