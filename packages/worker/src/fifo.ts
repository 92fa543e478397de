/** Items in a line. The first leaves at the same cost however many stand behind it, which an array's `shift` does not. */
export class Fifo<Item> {
  #items: (Item | undefined)[] = []
  #first = 0

  get size(): number {
    return this.#items.length - this.#first
  }

  get first(): Item | undefined {
    return this.#items[this.#first]
  }

  push(item: Item): void {
    this.#items.push(item)
  }

  shift(): Item | undefined {
    const item = this.#items[this.#first]
    if (this.size === 0) return undefined
    this.#items[this.#first++] = undefined
    // The places of those that left are given back when they are many, and half of all.
    if (this.#first >= 256 && this.#first * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#first)
      this.#first = 0
    }
    return item
  }

  /** Takes out one, wherever it stands. */
  remove(item: Item): void {
    this.#items = this.#items.filter((other) => other !== undefined && other !== item)
    this.#first = 0
  }

  /** Takes out all. */
  clear(): Item[] {
    const all = this.#items.slice(this.#first) as Item[]
    this.#items = []
    this.#first = 0
    return all
  }
}
