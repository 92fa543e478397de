import type { Output } from './output.ts'

/** How far long work has got, on a line of stderr; nothing where nobody sees it. */
export interface Progress {
  /** `done` of the whole, from 0 to 1, or undefined where the whole is not known; and a word about it. */
  at(done: number | undefined, text: string): void
  /** Takes it off the screen. */
  end(): void
}

const width = 30
const drawEveryMs = 100
const toStart = '\r'
const clearLine = '\u001b[K'

/**
 * Only writes: the bars of libraries for prompts take the keyboard, and end the process at Ctrl-C before it could say what
 * was done.
 */
export function startProgress({ showsProgress, noteStyle }: Output, title: string): Progress {
  if (!showsProgress) return { at: () => {}, end: () => {} }
  let drawnAt = Number.NEGATIVE_INFINITY
  const draw = (text: string) => process.stderr.write(toStart + text + clearLine)
  draw(noteStyle('dim', `${title} …`))
  return {
    at(done, text) {
      const now = performance.now()
      if (now - drawnAt < drawEveryMs) return
      drawnAt = now
      const filled = Math.round(Math.min(Math.max(done ?? 0, 0), 1) * width)
      const bar =
        done === undefined
          ? ''
          : `${noteStyle('cyan', '━'.repeat(filled))}${noteStyle('dim', '━'.repeat(width - filled))} ${Math.round(done * 100)} %  `
      draw(bar + text)
    },
    end: () => draw(''),
  }
}
