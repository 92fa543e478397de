import type { TriggerChange } from '@aimq/events'
import type { Output } from './output.ts'

const marks: Record<
  TriggerChange['action'],
  { readonly mark: string; readonly style: 'green' | 'yellow' | 'red' }
> = {
  create: { mark: '+', style: 'green' },
  replace: { mark: '~', style: 'yellow' },
  enable: { mark: '~', style: 'yellow' },
  remove: { mark: '-', style: 'red' },
}

/** One line per change: what, and why. */
export function changeLines(output: Output, changes: readonly TriggerChange[], withSql = false): string {
  return changes
    .map(({ action, object, reason, sql }) => {
      const { mark, style } = marks[action]
      const line = `${output.style(style, mark)} ${action} ${object}  ${output.style('dim', reason)}`
      return withSql ? `${line}\n${sql.trim()}\n` : line
    })
    .join('\n')
}
