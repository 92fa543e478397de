import type { WakePath } from '@aimq/events'
import { isWorked } from '../is-worked.ts'
import type { Output } from '../output.ts'
import { count, duration, localTime } from '../show.ts'
import type { QueueSample, Sample } from './sample.ts'
import { sparkline } from './sparkline.ts'

export interface Frame {
  readonly sample: Sample
  /** What was done per second, look by look, by queue; the newest last. */
  readonly history: ReadonlyMap<string, readonly number[]>
  readonly location: string
  /** Undefined: this is the only frame, and nobody can leave it. */
  readonly intervalMs: number | undefined
}

interface Size {
  readonly columns: number
  readonly rows: number
}

type Style = Output['style']
interface Cell {
  readonly text: string
  readonly style?: Parameters<Style>[0]
}

interface Column {
  readonly title: string
  readonly align: 'left' | 'right'
  readonly cell: (queue: QueueSample) => Cell
  /** The higher, the earlier it goes when the terminal is too narrow. 0: never. */
  readonly expendable: number
}

const waitsTooLongMs = 60_000
const gap = '  '
const sparkWidth = 24

/** The screen as lines, cut to its size. Nothing in it depends on what was there before. */
export function render({ sample, history, location, intervalMs }: Frame, size: Size, style: Style): string[] {
  const live = intervalMs !== undefined
  const columns = fitting(columnsFor(sample, live ? history : undefined), sample.queues, size.columns)
  const title = `${style('bold', 'aimq top')}  ${cut(location, size.columns - 42)}`
  const clock = style(
    'dim',
    localTime(sample.at).slice(11) + (live ? ` · every ${duration(intervalMs)}` : ''),
  )
  const head = [title + gap + clock, wakeUpLine(sample, style), '']
  const heading = columns.map(({ title, align }, index) =>
    pad(title, widthOf(columns, index, sample.queues), align),
  )
  const table = sample.queues.map((queue) =>
    columns
      .map(({ cell, align }, index) => {
        const { text, style: format } = cell(queue)
        const padded = pad(text, widthOf(columns, index, sample.queues), align)
        return format === undefined ? padded : style(format, padded)
      })
      .join(gap),
  )
  const body =
    sample.queues.length === 0 ? ['There is no queue yet.'] : [style('dim', heading.join(gap)), ...table]
  const room = size.rows - head.length - 3
  const hidden = body.length - room
  const shown = hidden > 0 ? [...body.slice(0, room - 1), style('dim', `and ${hidden + 1} more`)] : body
  return [...head, ...shown, '', totalLine(sample, style) + (live ? style('dim', '   q quits') : '')]
}

const pathNames: Record<WakePath, string> = { listen: 'LISTEN/NOTIFY', supabase: 'Supabase Realtime' }
const lamps = { healthy: 'green', connecting: 'yellow', degraded: 'red' } as const

function wakeUpLine({ realtime }: Sample, style: Style): string {
  if (realtime === undefined) return style('dim', 'wake-ups  @aimq/realtime is not installed')
  const paths = realtime.paths.map(({ path, health, canaryMs }) => {
    const said = health === 'healthy' ? duration(canaryMs ?? 0) : health
    return `${style(lamps[health], '●')} ${pathNames[path]} ${style('dim', said)}`
  })
  return `${style('dim', 'wake-ups')}  ${paths.join('   ')}`
}

function totalLine({ queues }: Sample, style: Style): string {
  const sum = (of: (queue: QueueSample) => number) => queues.reduce((total, queue) => total + of(queue), 0)
  const parts = [
    `${count(sum(({ ready }) => ready))} ready`,
    `${count(sum(({ inHand }) => inHand))} in hand`,
    `${count(sum(({ scheduled }) => scheduled))} scheduled`,
    `${rate(sum(({ donePerSecond = 0 }) => donePerSecond))} done/s`,
  ]
  return style('dim', parts.join(' · '))
}

const isDeadLetters = (queue: string): boolean => !isWorked(queue)

function columnsFor(sample: Sample, history: Frame['history'] | undefined): Column[] {
  const most = Math.max(...[...(history?.values() ?? [])].flat(), 0)
  const number = (title: string, expendable: number, of: (queue: QueueSample) => number): Column => ({
    title,
    align: 'right',
    expendable,
    cell: (queue) => (of(queue) === 0 ? { text: '·', style: 'dim' } : { text: count(of(queue)) }),
  })
  const time = (title: string, expendable: number, of: (queue: QueueSample) => number | null): Column => ({
    title,
    align: 'right',
    expendable,
    cell: (queue) => {
      const value = of(queue)
      return value === null ? { text: '·', style: 'dim' } : { text: duration(value) }
    },
  })
  return [
    {
      title: 'QUEUE',
      align: 'left',
      expendable: 0,
      cell: ({ queue, ready }) => ({
        text: queue,
        style: isDeadLetters(queue) && ready > 0 ? 'red' : 'bold',
      }),
    },
    number('READY', 0, ({ ready }) => ready),
    number('IN HAND', 1, ({ inHand }) => inHand),
    number('SCHEDULED', 5, ({ scheduled }) => scheduled),
    {
      title: 'OLDEST',
      align: 'right',
      expendable: 2,
      cell: ({ queue, oldestReadyMs }) => {
        if (oldestReadyMs === null) return { text: '·', style: 'dim' }
        const late = oldestReadyMs > waitsTooLongMs && !isDeadLetters(queue)
        return { text: duration(oldestReadyMs), ...(late ? { style: 'yellow' as const } : {}) }
      },
    },
    { title: 'SENT/s', align: 'right', expendable: 4, cell: ({ sentPerSecond }) => rateCell(sentPerSecond) },
    { title: 'DONE/s', align: 'right', expendable: 3, cell: ({ donePerSecond }) => rateCell(donePerSecond) },
    time('p50', 6, ({ p50Ms }) => p50Ms),
    time('p95', 6, ({ p95Ms }) => p95Ms),
    ...(history === undefined ? [] : [sparkColumn(history, most)]),
    ...(sample.queues.some(({ wakeUps }) => wakeUps !== undefined)
      ? [{ title: 'WAKE-UPS', align: 'left' as const, expendable: 8, cell: wakeUpCell }]
      : []),
  ]
}

/** On one scale for all queues, so that they can be compared. */
const sparkColumn = (history: Frame['history'], most: number): Column => ({
  title: 'DONE/s SO FAR',
  align: 'left',
  expendable: 7,
  cell: ({ queue }) => ({
    text: isDeadLetters(queue)
      ? ' '.repeat(sparkWidth)
      : sparkline(history.get(queue) ?? [], sparkWidth, most),
    style: 'cyan',
  }),
})

function wakeUpCell({ queue, wakeUps = '' }: QueueSample): Cell {
  if (isDeadLetters(queue)) return { text: '·', style: 'dim' }
  return wakeUps.startsWith('broken') ? { text: wakeUps, style: 'red' } : { text: wakeUps, style: 'dim' }
}

const rateCell = (value: number | undefined): Cell =>
  value === undefined || value === 0 ? { text: '·', style: 'dim' } : { text: rate(value) }

const rate = (value: number): string => (value < 9.95 ? value.toFixed(1) : count(Math.round(value)))

/** As many columns as the terminal has room for. */
function fitting(columns: Column[], queues: readonly QueueSample[], room: number): Column[] {
  const total = columns.reduce(
    (sum, _, index) => sum + widthOf(columns, index, queues) + gap.length,
    -gap.length,
  )
  const least = Math.max(...columns.map(({ expendable }) => expendable))
  if (total <= room || least === 0) return columns
  return fitting(
    columns.filter(({ expendable }) => expendable !== least),
    queues,
    room,
  )
}

function widthOf(columns: readonly Column[], index: number, queues: readonly QueueSample[]): number {
  const column = columns[index]
  if (column === undefined) return 0
  return Math.max(column.title.length, ...queues.map((queue) => column.cell(queue).text.length))
}

const pad = (text: string, width: number, align: 'left' | 'right'): string =>
  align === 'right' ? text.padStart(width) : text.padEnd(width)

const cut = (text: string, room: number): string =>
  text.length <= room ? text : `${text.slice(0, Math.max(room - 1, 8))}…`
