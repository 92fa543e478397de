import type { Output } from './output.ts'

export interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => string | number
  readonly align?: 'right'
  /** Of the text, when it is not to be plain. */
  readonly style?: Parameters<Output['style']>[0]
}

const noBorders = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
  ].map((name) => [name, '']),
)

/** Rows as lines of aligned columns under a dim heading, without borders: for the eye and for `awk` alike. */
export async function table<Row>(
  output: Output,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): Promise<string> {
  const { default: Table } = await import('cli-table3')
  const rendered = new Table({
    head: columns.map(({ title }) => output.style('dim', title)),
    chars: { ...noBorders, middle: '  ' },
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
    colAligns: columns.map(({ align }) => align ?? 'left'),
  })
  for (const row of rows) {
    rendered.push(
      columns.map(({ value, style }) => {
        const text = String(value(row))
        return style === undefined ? text : output.style(style, text)
      }),
    )
  }
  return rendered
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}
