/** The one way to stdout: whole lines, and silence after whoever read them has gone (`worker | head -1`). */
export interface Output {
  readonly isTerminal: boolean
  /** Of a terminal, which is made wider and narrower as one goes; infinite otherwise. */
  columns(): number
  /** At once, after whatever is to be written soon. */
  write(text: string): void
  /** When the caller has returned, with all it says until then: a system call per line is most of what a line costs. */
  writeSoon(text: string): void
  /** Writes now what was to be written soon. */
  flush(): void
}

export function openOutput(stream: NodeJS.WriteStream, onClosed: (error: Error) => void): Output {
  let closed = false
  stream.on('error', (error) => {
    if (closed) return
    closed = true
    onClosed(error)
  })
  let waiting = ''
  function write(text: string): void {
    const all = waiting + text
    waiting = ''
    if (!closed && all !== '') stream.write(all)
  }
  const flush = () => write('')
  process.on('exit', flush)
  return {
    isTerminal: stream.isTTY === true,
    columns: () => (stream.isTTY ? stream.columns : Number.POSITIVE_INFINITY),
    write,
    flush,
    writeSoon(text) {
      if (waiting === '') queueMicrotask(flush)
      waiting += text
    },
  }
}
