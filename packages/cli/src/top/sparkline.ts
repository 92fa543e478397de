const blocks = '▁▂▃▄▅▆▇█'

/** The last `width` values as blocks of height; blank where there was nothing to see yet. */
export function sparkline(values: readonly number[], width: number, most = Math.max(...values, 0)): string {
  const shown = values.slice(-width)
  const bars = shown.map((value) => {
    if (value <= 0 || most <= 0) return blocks[0]
    return blocks[Math.min(Math.ceil((value / most) * blocks.length), blocks.length) - 1]
  })
  return bars.join('').padStart(width)
}
