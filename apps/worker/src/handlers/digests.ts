import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, realpath } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import type { Note } from '@aimq/cli/start'
import { defineQueue } from '@aimq/events'
import { deadLetter, defineHandler, type HandlerDefinition, type Job, type Outcome } from '@aimq/worker'
import * as v from 'valibot'

const schema = v.strictObject({
  /** A file below the root folder; relative paths start there. */
  path: v.pipe(
    v.string(),
    v.minLength(1),
    v.maxLength(4096),
    v.check((path) => !path.includes('\0'), 'expected a path without NUL'),
  ),
})

export const digestsQueue = defineQueue('digests', { schema })

export interface DigestOptions {
  /** Nothing outside this folder is opened, whatever the payload says. */
  readonly root: string
  readonly note?: Note
}

export interface Digest {
  readonly sha256: string
  readonly bytes: number
  /** Newline characters, as `wc -l` counts. */
  readonly lines: number
}

type DigestPayload = v.InferOutput<typeof schema>

export function digests(options: DigestOptions): HandlerDefinition<DigestPayload> {
  return defineHandler(digestsQueue, (job) => digestJob(job, options))
}

async function digestJob(job: Job<DigestPayload>, options: DigestOptions): Promise<Outcome | undefined> {
  const { path } = job.payload
  try {
    const file = await openBelow(options.root, path)
    if (file === undefined) return deadLetter({ reason: `${path} is outside the root folder` })
    const digest = await digestOf(file, job.signal).finally(() => file.close())
    if (digest === undefined) return deadLetter({ reason: `${path} is not a regular file` })
    const { sha256, bytes, lines } = digest
    options.note?.(job, `${path}  ${lines} lines, ${bytes} B, sha256 ${sha256.slice(0, 8)}…`)
    return undefined
  } catch (thrown) {
    const reason = permanent[(thrown as NodeJS.ErrnoException).code ?? '']
    if (reason === undefined) throw thrown
    return deadLetter({ reason: `${path} ${reason}` })
  }
}

/** What another try would not change. Anything else (too many open files, a broken disk) is thrown and tried again. */
const permanent: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EISDIR: 'is not a regular file',
  ENXIO: 'is not a regular file',
  EACCES: 'may not be read by this worker',
  EPERM: 'may not be read by this worker',
  ELOOP: 'is a symbolic link that leads nowhere',
  ENAMETOOLONG: 'is too long a path',
}

/** Undefined when the path leads out of `root`, by `..`, by being absolute, or through a symbolic link. */
async function openBelow(root: string, path: string): Promise<FileHandle | undefined> {
  // Told from the text alone first: what lies outside is not even looked for, so nobody learns whether it exists.
  if (!isBelow(resolve(root), resolve(root, path))) return undefined
  const real = await realpath(resolve(root, path))
  if (!isBelow(await realpath(root), real)) return undefined
  // The real path holds no link; one put there since is refused. Opening a FIFO must not wait for a writer.
  return open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
}

function isBelow(root: string, path: string): boolean {
  const way = relative(root, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

const chunkBytes = 256 * 1024

/** Chunk by chunk: memory does not grow with the file. Undefined when it is no regular file. */
async function digestOf(file: FileHandle, signal: AbortSignal): Promise<Digest | undefined> {
  if (!(await file.stat()).isFile()) return undefined
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(chunkBytes)
  let bytes = 0
  let lines = 0
  for (;;) {
    signal.throwIfAborted()
    const { bytesRead } = await file.read(buffer, 0, chunkBytes, null)
    if (bytesRead === 0) return { sha256: hash.digest('hex'), bytes, lines }
    const chunk = buffer.subarray(0, bytesRead)
    hash.update(chunk)
    bytes += bytesRead
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines += 1
  }
}
