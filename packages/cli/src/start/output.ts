/** The one way to stdout: whole lines, and silence after whoever read them has gone (`worker | head -1`). */
export interface Output {
  readonly isTerminal: boolean
  /** Of a terminal, which is made wider and narrower as one goes; infinite otherwise. */
  columns(): number
  write(text: string): void
}

export function openOutput(stream: NodeJS.WriteStream, onClosed: (error: Error) => void): Output {
  let closed = false
  stream.on('error', (error) => {
    if (closed) return
    closed = true
    onClosed(error)
  })
  return {
    isTerminal: stream.isTTY === true,
    columns: () => (stream.isTTY ? stream.columns : Number.POSITIVE_INFINITY),
    write(text) {
      if (!closed) stream.write(text)
    },
  }
}
