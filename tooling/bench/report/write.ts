import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { MachineDescription } from '../machine/description.ts'
import { serverSettings } from '../machine/servers.ts'
import type { Line } from '../measurement.ts'
import { subjectOf } from '../subjects/index.ts'
import { chart } from './chart.ts'
import { tables, titleOf } from './table.ts'

const folder = join(import.meta.dirname, '../../../docs/bench')

/** The charts, and one Markdown file with every figure and how it came about. Answers with the paths. */
export async function writeReport(
  lines: readonly Line[],
  description: MachineDescription,
): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const written: string[] = []
  const write = async (name: string, text: string) => {
    const path = join(folder, name)
    await writeFile(path, text)
    written.push(path)
  }
  for (const [title, own] of Map.groupBy(lines, titleOf)) {
    const main = own.filter((line) => line.metric === own[0]?.metric)
    const [first] = main
    const label = first?.metric === undefined ? title : `${title}, ${first.metric}`
    await write(`${slug(title)}.svg`, chart(label, main))
  }
  await write('results.md', `${heading(lines, description)}\n\n${tables(lines)}\n`)
  return written
}

function heading(lines: readonly Line[], { date, machine, load, versions }: MachineDescription): string {
  const names = [...new Set(lines.map(({ subjectName }) => subjectName))]
  const settings = names.map((name) => `| ${subjectOf(name).label} | ${subjectOf(name).settings} |`)
  const server = Object.entries(serverSettings).map(([name, value]) => `${name} = ${value}`)
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return `# Results

Written by \`npx -y pnpm@12 bench --write\`. Median of ${Math.max(...lines.map(({ runs }) => runs))} runs, in brackets the lowest and the highest.

- ${date} UTC, ${machine}; load before the run ${load}
- ${software.join(', ')}
- one PostgreSQL for all, one database each: ${server.join(', ')}, wal_level = logical; all else default, so commits wait for the disk; only the leases of AIMQ's reads do not

| | settings |
|---|---|
${settings.join('\n')}`
}

/** A title as a file name. */
export function slug(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
}
