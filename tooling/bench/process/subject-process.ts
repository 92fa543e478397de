import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type MemoryLimit, nodeWithin } from '../machine/memory-limit.ts'
import { programFile } from './compile.ts'
import type { Progress, Tasks } from './tasks.ts'

interface Answer {
  readonly id: number
  readonly output?: unknown
  readonly error?: string
}

export interface ProcessOptions {
  /** Of its memory; is to outlive it. */
  readonly limit?: MemoryLimit | undefined
  /** For Node. */
  readonly flags?: readonly string[] | undefined
}

/** A process that works or sends for one subject, with the packages as they were built: what a user would install. */
export class SubjectProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>()
  #nextId = 1
  #progress: (() => void) | undefined
  #dead: Error | undefined
  /** Jobs its worker has begun. */
  count = 0

  constructor({ limit, flags = [] }: ProcessOptions = {}) {
    const { execPath, execArgv } = nodeWithin(limit)
    this.#child = fork(programFile, {
      execPath,
      execArgv: [...execArgv, ...flags],
      serialization: 'advanced',
      // What a subject prints is not part of the result.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child.on('message', (message: Answer | Progress) => this.#heard(message))
    this.#child.on('exit', (code, signal) =>
      this.#ended(new Error(`a process of a subject ended (${code ?? signal})`)),
    )
  }

  get pid(): number {
    return this.#child.pid as number
  }

  ask<Name extends keyof Tasks>(
    task: Name,
    ...[input]: Tasks[Name]['input'] extends undefined ? [] : [Tasks[Name]['input']]
  ): Promise<Tasks[Name]['output']> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead)
    const id = this.#nextId++
    const answer = Promise.withResolvers<unknown>()
    this.#open.set(id, answer)
    this.#child.send({ id, task, input })
    return answer.promise as Promise<Tasks[Name]['output']>
  }

  /** Calls back at every word of progress, and when the process ends. */
  onProgress(callback: () => void): void {
    this.#progress = callback
  }

  get ended(): boolean {
    return this.#dead !== undefined
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    const stopped = this.ask('stop').catch(() => undefined)
    await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, 15_000).unref())])
    if (this.#child.connected) this.#child.disconnect()
    const timer = setTimeout(() => this.kill(), 5000)
    await exit
    clearTimeout(timer)
  }

  #heard(message: Answer | Progress): void {
    if ('count' in message) {
      this.count = message.count
      this.#progress?.()
      return
    }
    const answer = this.#open.get(message.id)
    this.#open.delete(message.id)
    if (message.error === undefined) answer?.resolve(message.output)
    else answer?.reject(new Error(message.error))
  }

  #ended(error: Error): void {
    this.#dead = error
    for (const answer of this.#open.values()) answer.reject(error)
    this.#open.clear()
    this.#progress?.()
  }
}
