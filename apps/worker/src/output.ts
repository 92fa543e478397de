/** The one way to stdout: whole lines, and silence after whoever read them has gone (`worker | head -1`). */
export interface Output {
  readonly isTerminal: boolean
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
    write(text) {
      if (!closed) stream.write(text)
    },
  }
}
