import { type FileHandle, open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CliError } from './cli-error.ts'
import { exitCode } from './exit-code.ts'

/** A file of the lines that were left out, as they were: mended, it can be sent. */
export interface Rejects {
  add(text: string): Promise<void>
  close(): Promise<void>
}

/** Opened before anything is sent, so that it does not fail after. Never overwrites. */
export async function openRejects(cwd: string, path: string | undefined): Promise<Rejects | undefined> {
  if (path === undefined) return undefined
  let file: FileHandle
  try {
    file = await open(resolve(cwd, path), 'wx')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'is there already, and is not overwritten' : `cannot be written (${code})`
    throw new CliError(`${path}: ${why}`, exitCode.input, { cause })
  }
  return {
    add: async (text) => {
      await file.write(`${text}\n`)
    },
    close: () => file.close(),
  }
}
