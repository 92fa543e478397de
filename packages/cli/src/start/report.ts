import { styleText } from 'node:util'
import type { QueueMetrics } from '@aimq/events'
import { isWorked } from '../is-worked.ts'
import type { Output } from './output.ts'
import type { EndedJob } from './watch-jobs.ts'

type Style = Parameters<typeof styleText>[0]

/** The screen of somebody who tries this out: a few lines of what is there, one per job, and what to do next. */
export interface Report {
  /** A name and what it stands for: `queues    digests, webhooks`. */
  fact(name: string, text: string): void
  line(text?: string): void
  job(job: EndedJob): void
}

const outcomes: Record<EndedJob['outcome'], { readonly mark: string; readonly style: Style }> = {
  completed: { mark: '✓', style: 'green' },
  retried: { mark: '↻', style: 'yellow' },
  released: { mark: '↩', style: 'yellow' },
  'lease-lost': { mark: '!', style: 'yellow' },
  'dead-lettered': { mark: '✗', style: 'red' },
}

const indent = '      '

export function createReport(output: Pick<Output, 'isTerminal' | 'columns' | 'write'>): Report {
  const colour = output.isTerminal && !process.env.NO_COLOR
  const style = (format: Style, text: string) =>
    colour ? styleText(format, text, { validateStream: false }) : text
  const line = (text = '') => output.write(`${text}\n`)
  return {
    line,
    fact: (name, text) => line(`  ${style('dim', name.padEnd(9))} ${text}`),
    job(job) {
      const { mark, style: format } = outcomes[job.outcome]
      const times =
        job.waitedMs === undefined
          ? 'never started'.padEnd(24)
          : `start ${ms(job.waitedMs).padStart(6)}  ran ${ms(job.durationMs ?? 0).padStart(6)}`
      const name = `${job.queue}/${job.id}`.padEnd(11)
      const room = output.columns() - mark.length - name.length - times.length - 6
      const text = plain(describe(job))
      const whole = job.outcome === 'completed' || text.length <= room
      line(`  ${style(format, mark)} ${name} ${style('dim', times)}${whole ? `  ${cut(text, room)}` : ''}`)
      // The reason of a failure is at its end, and what one has to read.
      if (!whole) for (const part of wrapped(text, output.columns() - indent.length)) line(indent + part)
    },
  }
}

function describe({ outcome, note, delayMs = 0, reason, error }: EndedJob): string {
  if (outcome === 'completed') return note ?? 'done'
  if (outcome === 'retried') return `${error?.message ?? reason}; again in ${seconds(delayMs)}`
  if (outcome === 'released') return `handed back (${reason})`
  if (outcome === 'lease-lost') return 'no longer ours; it will be worked again'
  return `dead letter: ${reason}${error === undefined ? '' : ` (${error.message})`}`
}

/** A duration as a person reads it: `3.1 ms`, `47 ms`, `1.2 s`. */
export const ms = (value: number): string =>
  value < 9.95
    ? `${Math.max(value, 0).toFixed(1)} ms`
    : value < 999.5
      ? `${Math.round(value)} ms`
      : seconds(value)

/** To the second, however long: `4 min 53 s`, `2 h 5 min`. */
export function duration(valueMs: number): string {
  const total = Math.max(Math.ceil(valueMs / 1000), 0)
  const [hours, minutes, rest] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60]
  if (hours > 0) return `${hours} h ${minutes} min`
  return minutes > 0 ? `${minutes} min ${rest} s` : `${rest} s`
}

const seconds = (value: number): string => `${(value / 1000).toFixed(value < 9950 ? 1 : 0)} s`

/** Texts of jobs come from anywhere; what they hold for a terminal to obey is taken out. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about.
const plain = (text: string): string => text.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, '�').slice(0, 600)

/** Broken between words where there are any. */
function wrapped(text: string, columns: number): string[] {
  const width = Math.max(columns, 20)
  const lines: string[] = []
  let rest = text
  while (rest.length > width) {
    const blank = rest.lastIndexOf(' ', width)
    const end = blank > 0 ? blank : width
    lines.push(rest.slice(0, end))
    rest = rest.slice(end).trimStart()
  }
  return [...lines, rest]
}

const cut = (text: string, room: number): string =>
  text.length <= room ? text : `${text.slice(0, Math.max(room - 1, 10))}…`

/** `digests 3 ready, 20 done`: what a queue holds, without the zeros. */
export function queueLine({ queue, ready, leased, scheduled, archived }: QueueMetrics): string {
  const readyName = isWorked(queue) ? 'ready' : 'dead-lettered'
  const counts = { [readyName]: ready, 'in hand or to be tried again': leased, scheduled, done: archived }
  const parts = Object.entries(counts).flatMap(([name, count]) => (count > 0 ? [`${count} ${name}`] : []))
  return `${queue.padEnd(13)} ${parts.length === 0 ? 'empty' : parts.join(', ')}`
}
