import type { Output } from './output.ts'

/** How far long work has got, on stderr; nothing where nobody sees it. */
export interface Progress {
  /** `done` of the whole, from 0 to 1, and a word about it. */
  at(done: number, text: string): void
  /** Takes it off the screen. */
  end(): void
}

const size = 30

export async function startProgress(output: Output, title: string): Promise<Progress> {
  if (!output.showsProgress) return { at: () => {}, end: () => {} }
  const { progress } = await import('@clack/prompts')
  const bar = progress({ max: 1000, size, style: 'heavy', output: process.stderr, withGuide: false })
  bar.start(title)
  let shown = 0
  return {
    at(done, text) {
      const now = Math.min(Math.round(done * 1000), 1000)
      bar.advance(Math.max(now - shown, 0), text)
      shown = Math.max(now, shown)
    },
    end: () => bar.clear(),
  }
}
