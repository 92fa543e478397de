import { MemoryLimit } from './machine/memory-limit.ts'
import type { Servers } from './machine/servers.ts'
import { type Figure, type Line, median } from './measurement.ts'
import type { Options } from './options.ts'
import { type SubjectName, subjectOf } from './subjects/index.ts'
import type { Inspector } from './subjects/subject.ts'
import { workloads } from './workloads/index.ts'
import type { Bench, Workload } from './workloads/workload.ts'

export type Say = (text: string) => void

/** What was measured, and what failed: a workload that does spoils none of the others. */
export interface Outcome {
  readonly lines: readonly Line[]
  readonly failures: readonly Error[]
}

/** Runs what was chosen. Subjects take turns within a workload, and the order is turned round every other time. */
export async function runAll(servers: Servers, options: Options, say: Say): Promise<Outcome> {
  const { only, quick } = options
  const chosen = workloads.filter((workload) =>
    only.length > 0 ? only.includes(workload.family) && !(quick && workload.slow) : !(quick && workload.slow),
  )
  const lines: Line[] = []
  const failures: Error[] = []
  for (const [index, workload] of chosen.entries()) {
    say(`\n[${index + 1}/${chosen.length}] ${workload.title}`)
    try {
      lines.push(...(await runWorkload(workload, servers, options, say)))
    } catch (thrown) {
      const failure = thrown as Error
      failures.push(failure)
      say(`  failed: ${failure.message}`)
    }
  }
  return { lines, failures }
}

async function runWorkload(
  workload: Workload,
  servers: Servers,
  { runs, quick, subjects }: Options,
  say: Say,
): Promise<Line[]> {
  using memoryLimit =
    workload.memoryLimitMb === undefined ? undefined : MemoryLimit.of(workload.memoryLimitMb)
  const whatLacks = (name: SubjectName) => {
    if (subjectOf(name).needsRedis && !servers.hasRedis) return 'no redis-server on the path'
    if (workload.memoryLimitMb === undefined || memoryLimit !== undefined) return undefined
    return 'no control groups of Linux, or no right to make one'
  }
  const names = workload.subjects.filter((name) => {
    if (subjects.length > 0 && !subjects.some((start) => name.startsWith(start))) return false
    const lacking = whatLacks(name)
    if (lacking !== undefined) say(`  ${subjectOf(name).label}: skipped, ${lacking}`)
    return lacking === undefined
  })
  const figures = new Map<SubjectName, (readonly Figure[])[]>(names.map((name) => [name, []]))
  for (let round = 0; round < (workload.once ? 1 : runs); round++) {
    const order = round % 2 === 0 ? names : names.toReversed()
    const one = async (name: SubjectName) => {
      const measured = await runOnce(workload, name, { servers, quick, memoryLimit })
      figures.get(name)?.push(measured)
      say(`  ${round + 1}. ${subjectOf(name).label}: ${measured.map(show).join(', ')}`)
    }
    if (workload.together) await Promise.all(order.map(one))
    else for (const name of order) await one(name)
  }
  return names.flatMap((name) => linesOf(workload, name, figures.get(name) ?? []))
}

async function runOnce(
  workload: Workload,
  subject: SubjectName,
  where: Pick<Bench, 'servers' | 'quick' | 'memoryLimit'>,
): Promise<readonly Figure[]> {
  const place = await where.servers.place(subject)
  const inspector: Inspector = await subjectOf(subject).inspect(place)
  const bench: Bench = { ...where, subject, place, inspector }
  try {
    return await workload.run(bench)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${workload.title}, ${subjectOf(subject).label}: ${reason}`, { cause })
  } finally {
    await inspector.close()
  }
}

function linesOf(workload: Workload, subjectName: SubjectName, runs: readonly (readonly Figure[])[]): Line[] {
  return (runs[0] ?? []).map((figure, index) => {
    const values = runs.map((run) => run[index]?.value ?? Number.NaN)
    return {
      workload: figure.metric === undefined ? workload.title : `${workload.title}: ${figure.metric}`,
      subject: subjectOf(subjectName).label,
      unit: figure.unit,
      median: median(values),
      min: Math.min(...values),
      max: Math.max(...values),
      runs: values.length,
      family: workload.family,
      metric: figure.metric,
      subjectName,
      better: figure.better,
      values,
    }
  })
}

function show({ metric, unit, value }: Figure): string {
  return `${metric === undefined ? '' : `${metric} `}${rounded(value)} ${unit}`
}

/** Three digits that count. */
export function rounded(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}
