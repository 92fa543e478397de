/** What asks PostgreSQL for something, among what its clients say: `Query`, and `Execute` of a statement that was parsed. */
const asking = new Set(['Q', 'E'].map((letter) => letter.charCodeAt(0)))

/** Counts the statements that clients of PostgreSQL send; `begin` and `listen` are statements, too. */
export class StatementCount {
  /** So far, of all clients. */
  total = 0

  /** For one client: what is answered takes all that it says, in pieces as they come. */
  readonly ofClient = (): ((bytes: Buffer) => void) => {
    let rest: Buffer = Buffer.alloc(0)
    let begun = false
    return (bytes) => {
      rest = Buffer.concat([rest, bytes])
      for (;;) {
        // All messages but the first have a letter in front of their length.
        const letters = begun ? 1 : 0
        if (rest.length < letters + 4) return
        const end = letters + rest.readInt32BE(letters)
        if (rest.length < end) return
        if (begun && asking.has(rest[0] as number)) this.total++
        begun = true
        rest = rest.subarray(end)
      }
    }
  }
}
