/** Closed while the server plays frozen. */
export class Gate {
  #opened: PromiseWithResolvers<void> | undefined

  get isClosed(): boolean {
    return this.#opened !== undefined
  }

  close(): void {
    this.#opened ??= Promise.withResolvers<void>()
  }

  open(): void {
    this.#opened?.resolve()
    this.#opened = undefined
  }

  async passed(): Promise<void> {
    while (this.#opened !== undefined) await this.#opened.promise
  }
}
