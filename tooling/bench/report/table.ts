import type { Line } from '../measurement.ts'
import { rounded } from '../rounds.ts'

/** One Markdown table for each workload: a row for each subject, a column for each figure. */
export function tables(lines: readonly Line[]): string {
  return [...Map.groupBy(lines, titleOf)]
    .map(([title, rows]) => `### ${title}\n\n${table(rows)}`)
    .join('\n\n')
}

/** The title of the workload, without the metric. */
export function titleOf({ workload, metric }: Line): string {
  return metric === undefined ? workload : workload.slice(0, -`: ${metric}`.length)
}

function table(lines: readonly Line[]): string {
  const columns = [...new Set(lines.map(headOf))]
  const rows = [...Map.groupBy(lines, ({ subject }) => subject)].map(([subject, own]) => {
    const cells = columns.map((column) => {
      const line = own.find((candidate) => headOf(candidate) === column)
      return line === undefined ? '' : cell(line)
    })
    return `| ${[subject, ...cells].join(' | ')} |`
  })
  return [`| | ${columns.join(' | ')} |`, `|---|${columns.map(() => '---:|').join('')}`, ...rows].join('\n')
}

function headOf({ metric, unit }: Line): string {
  return metric === undefined ? unit : `${metric}, ${unit}`
}

function cell({ median, min, max, runs }: Line): string {
  return runs === 1 ? rounded(median) : `${rounded(median)} (${rounded(min)}–${rounded(max)})`
}
