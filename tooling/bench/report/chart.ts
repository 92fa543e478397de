import type { Line } from '../measurement.ts'
import { rounded } from '../rounds.ts'

const width = 760
const labelWidth = 230
const valueWidth = 150
const row = { height: 24, bar: 14 }
const top = 44

/** Horizontal bars with medians, and a thin line from the lowest to the highest run. Readable on light and dark. */
export function chart(title: string, lines: readonly Line[]): string {
  const [first] = lines
  const better = first?.better ?? 'higher'
  const longest = Math.max(...lines.map(({ max }) => max))
  const scale = (value: number) => (value / longest) * (width - labelWidth - valueWidth)
  const sorted = lines.toSorted((a, b) => (better === 'higher' ? b.median - a.median : a.median - b.median))
  const height = top + sorted.length * row.height + 12
  const bars = sorted.map((line, index) => {
    const y = top + index * row.height
    const middle = y + row.bar / 2
    const color = line.subjectName.startsWith('aimq')
      ? '#2f6feb'
      : line.subjectName.startsWith('raw')
        ? '#8b949e'
        : '#d29922'
    return [
      `<text x="${labelWidth - 8}" y="${middle + 4}" text-anchor="end">${escaped(line.subject)}</text>`,
      `<rect x="${labelWidth}" y="${y}" width="${scale(line.median).toFixed(1)}" height="${row.bar}" rx="2" fill="${color}"/>`,
      `<path d="M${(labelWidth + scale(line.min)).toFixed(1)} ${middle}H${(labelWidth + scale(line.max)).toFixed(1)}" stroke="#57606a" stroke-width="1.5"/>`,
      `<text x="${(labelWidth + scale(Math.max(line.median, line.max)) + 6).toFixed(1)}" y="${middle + 4}">${rounded(line.median)} ${escaped(line.unit)}</text>`,
    ].join('\n')
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">
<style>text{font:12px system-ui,sans-serif;fill:#57606a}.title{font-weight:600;font-size:14px}@media(prefers-color-scheme:dark){text{fill:#adbac7}}</style>
<text class="title" x="8" y="22">${escaped(title)} (${better} is better)</text>
${bars.join('\n')}
</svg>
`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
