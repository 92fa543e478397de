import type { Output } from '../output.ts'

/** The alternate screen of a terminal, with the keyboard. What was there before is there again afterwards. */
export interface Screen {
  draw(lines: readonly string[]): void
  close(): void
}

const enter = '\u001b[?1049h\u001b[?25l'
const leave = '\u001b[?25h\u001b[?1049l'
const home = '\u001b[H'
const clearLine = '\u001b[K'
const clearBelow = '\u001b[J'
const ctrlC = '\u0003'

export function openScreen(output: Output, on: { quit(): void; resize(): void }): Screen {
  const { stdin, stdout } = process
  const onKey = (key: Buffer) => {
    if (/^[qQ]/.test(key.toString()) || key.toString().includes(ctrlC)) on.quit()
  }
  const restore = () => {
    stdin.off('data', onKey)
    stdout.off('resize', on.resize)
    process.off('exit', restore)
    if (stdin.isTTY) stdin.setRawMode(false)
    stdin.pause()
    output.write(leave)
  }
  output.write(enter)
  stdout.on('resize', on.resize)
  // Also when the process is told to end at once.
  process.on('exit', restore)
  if (stdin.isTTY) {
    stdin.setRawMode(true)
    stdin.resume()
    stdin.on('data', onKey)
  }
  return {
    draw: (lines) => output.write(home + lines.map((line) => line + clearLine).join('\n') + clearBelow),
    close: restore,
  }
}
