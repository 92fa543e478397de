/** Things to be undone together, last first. Node 22 has no `DisposableStack`. */
export class Disposables implements Disposable {
  readonly #held: Disposable[] = []

  add<D extends Disposable>(disposable: D): D {
    this.#held.push(disposable)
    return disposable
  }

  [Symbol.dispose](): void {
    for (const disposable of this.#held.splice(0).reverse()) disposable[Symbol.dispose]()
  }
}
