/* Measures AIMQ, its rivals and hand-written loops in one run on one server. See docs/performance.md. */
import { describeMachine } from './machine/description.ts'
import { startServers } from './machine/servers.ts'
import type { Line, Result } from './measurement.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { compileProgram } from './process/compile.ts'
import { tables } from './report/table.ts'
import { writeReport } from './report/write.ts'
import { runAll } from './rounds.ts'

const say = (text: string) => process.stderr.write(`${text}\n`)

async function main(options: Options): Promise<void> {
  const began = performance.now()
  await compileProgram()
  say('starting PostgreSQL …')
  await using servers = await startServers()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, async () => {
      try {
        await servers[Symbol.asyncDispose]()
      } finally {
        process.exit(130)
      }
    })
  }
  const description = describeMachine(servers.versions)
  say(`${description.machine}; load ${description.load}`)
  const { lines, failures } = await runAll(servers, options, say)
  if (options.json) console.log(JSON.stringify(lines.map(asResult), null, 2))
  else console.log(`\n${tables(lines)}`)
  if (options.write) for (const path of await writeReport(lines, description)) say(`wrote ${path}`)
  say(`\n${Math.round((performance.now() - began) / 1000)} s`)
  if (failures.length === 0) return
  for (const { message } of failures) say(`failed: ${message}`)
  process.exitCode = 1
}

function asResult({ workload, subject, unit, median, min, max, runs }: Line): Result {
  return { workload, subject, unit, median, min, max, runs }
}

if (process.argv.includes('--help')) console.log(usage)
else {
  let options: Options
  try {
    options = parseOptions(process.argv.slice(2))
  } catch (thrown) {
    say(`${(thrown as Error).message}\n\n${usage}`)
    process.exit(2)
  }
  await main(options)
}
