import { parseArgs } from 'node:util'
import { workloads } from './workloads/index.ts'

export interface Options {
  readonly only: readonly string[]
  readonly quick: boolean
  readonly runs: number
  readonly json: boolean
  /** Write `docs/bench`, which is what the documents show. A whole run does. */
  readonly write: boolean
  readonly subjects: readonly string[]
}

export const usage = `npx -y pnpm@12 bench [--only <workload>]… [--subject <name>]… [--runs <n>] [--quick] [--json] [--write]

  --only <workload>   only this one; again for more: ${families().join(', ')}
  --subject <name>    only subjects whose name begins like this, such as aimq
  --runs <n>          how often each is measured, the subjects taking turns; 3 unless told otherwise
  --quick             smaller and fewer, under six minutes: to see, not to publish
  --json              the result as JSON on stdout; progress is on stderr
  --write             write charts and tables to docs/bench, as a whole run does by itself`

function families(): string[] {
  return [...new Set(workloads.map(({ family }) => family))]
}

/** @throws with a message for the person at the terminal */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      subject: { type: 'string', multiple: true, default: [] },
      runs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  })
  const unknown = values.only.filter((name) => !families().includes(name))
  if (unknown.length > 0)
    throw new Error(`expected workloads out of ${families().join(', ')}, got ${unknown.join(', ')}`)
  const runs = Number(values.runs ?? (values.quick ? 1 : 3))
  if (!Number.isInteger(runs) || runs < 1)
    throw new Error(`expected --runs to be a whole number from 1, got ${values.runs}`)
  const { only, quick, json, subject: subjects } = values
  const whole = only.length === 0 && subjects.length === 0 && !quick
  return { only, quick, runs, json, write: values.write || whole, subjects }
}
