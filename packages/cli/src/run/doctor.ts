import { summarizeError } from '@aimq/events'
import { connect } from '../connect.ts'
import type { Context } from '../context.ts'
import { type Database, openDatabase } from '../database.ts'
import { type Finding, fault, type Level, note } from '../doctor/finding.ts'
import { checkHorizon, type HorizonRow } from '../doctor/horizon.ts'
import { checkPgmq, type PgmqRow } from '../doctor/pgmq.ts'
import { checkPolicies, type PolicyRow, type RealtimeRow } from '../doctor/policies.ts'
import { checkQueues, type QueueRow } from '../doctor/queues.ts'
import { checkSecurity } from '../doctor/security.ts'
import { checkPooler, checkServer, checkTls, type ServerRow } from '../doctor/server.ts'
import { checkPaths, checkTriggers } from '../doctor/wake-ups.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import { firstHealth } from '../first-health.ts'
import { counted } from '../show.ts'
import { findStep, missingStep, type StepName } from '../steps.ts'
import { sayDatabase, withBusOn } from '../with-bus.ts'
import { withRealtimeOn } from '../with-realtime.ts'

export interface DoctorOptions {
  readonly security?: boolean
}

const canariesWithinMs = 10_000

export async function run(context: Context, options: DoctorOptions): Promise<ExitCode> {
  const database = await openDatabase(context)
  try {
    sayDatabase(context, database)
    const findings = [
      ...missingSteps(context),
      ...(await lookAtDatabase(context, database, options)),
      ...(await lookAtWakeUps(context, database)),
    ]
    report(context, database, findings)
    return findings.some(({ level }) => level === 'fault') ? exitCode.findings : exitCode.ok
  } finally {
    await database.stop()
  }
}

function missingSteps({ cwd }: Context): Finding[] {
  const steps: StepName[] = ['queue', 'worker', 'realtime', 'triggers']
  return steps
    .filter((step) => findStep(step, cwd) === undefined)
    .map((step) => note('packages', `@aimq/${step} is not installed`, missingStep(step).message))
}

async function lookAtDatabase(
  context: Context,
  database: Database,
  { security }: DoctorOptions,
): Promise<Finding[]> {
  const connection = await connect(database)
  try {
    const askedAt = Date.now()
    const [server] = await connection.rows<ServerRow>('doctor-server')
    const [pgmq] = await connection.rows<PgmqRow>('doctor-pgmq')
    const [realtime] = await connection.rows<RealtimeRow>('doctor-realtime')
    if (server === undefined || pgmq === undefined || realtime === undefined) return []
    const skewMs = Number(server.now_ms) - (askedAt + Date.now()) / 2
    const policies = realtime.has_messages ? await connection.rows<PolicyRow>('doctor-policies') : []
    const queues = pgmq.installed ? await readQueues(connection) : []
    return [
      ...checkServer(server, skewMs),
      ...checkTls(server, connection, database),
      ...(await checkPooler(connection, server, () => connect(database))),
      ...checkPgmq(pgmq, context.program),
      ...(Array.isArray(queues)
        ? pgmq.installed
          ? checkQueues(queues, server.role, context.program)
          : []
        : [queues]),
      ...checkHorizon(await connection.rows<HorizonRow>('doctor-horizon')),
      ...checkPolicies(realtime, policies, context.program),
      ...(security === true ? await checkSecurity(connection, server, policies) : []),
    ]
  } finally {
    await connection[Symbol.asyncDispose]()
  }
}

/** A role that may not even look is a finding, too. */
async function readQueues(connection: Awaited<ReturnType<typeof connect>>): Promise<QueueRow[] | Finding> {
  try {
    return await connection.rows<QueueRow>('doctor-queues')
  } catch (thrown) {
    const { code, message } = summarizeError(thrown)
    if (code !== '42501') throw thrown
    return fault(
      'grants',
      `this role may not look at the queues (${message})`,
      'as their owner: grant usage on schema pgmq to <role>; grant select on pgmq.meta to <role>;',
    )
  }
}

async function lookAtWakeUps(context: Context, database: Database): Promise<Finding[]> {
  const { cwd, signal, program } = context
  const findings: Finding[] = []
  if (findStep('realtime', cwd) !== undefined) {
    const status = await withRealtimeOn(context, database, ({ bus }) =>
      firstHealth(bus, canariesWithinMs, signal),
    )
    findings.push(...checkPaths(status))
  }
  if (findStep('triggers', cwd) === undefined) return findings
  try {
    const { triggers } = await withBusOn(context, database, { needs: ['triggers'] }, ({ bus }) =>
      bus.request('triggers:list', {}, { signal }),
    )
    return [...findings, ...checkTriggers(triggers, program)]
  } catch (thrown) {
    signal.throwIfAborted()
    return [...findings, fault('triggers', summarizeError(thrown).message)]
  }
}

const marks: Record<Level, { readonly mark: string; readonly style: 'green' | 'dim' | 'yellow' | 'red' }> = {
  ok: { mark: '✓', style: 'green' },
  note: { mark: '·', style: 'dim' },
  warning: { mark: '!', style: 'yellow' },
  fault: { mark: '✗', style: 'red' },
}

function report({ output }: Context, { location }: Database, findings: readonly Finding[]): void {
  if (output.json) {
    output.data({ database: location, findings })
    return
  }
  const width = Math.max(...findings.map(({ check }) => check.length))
  for (const { check, level, message, remedy } of findings) {
    const { mark, style } = marks[level]
    output.line(`${output.style(style, mark)} ${output.style('bold', check.padEnd(width))}  ${message}`)
    if (remedy !== undefined) output.line(`${' '.repeat(width + 4)}${output.style('dim', '→')} ${remedy}`)
  }
  const of = (level: Level) => findings.filter((finding) => finding.level === level).length
  const summary = [
    ...(of('fault') > 0 ? [output.style('red', counted(of('fault'), 'fault'))] : []),
    ...(of('warning') > 0 ? [output.style('yellow', counted(of('warning'), 'warning'))] : []),
  ]
  output.line(
    `\n${summary.length === 0 ? output.style('green', 'Nothing is wrong.') : `${summary.join(', ')}.`}`,
  )
}
