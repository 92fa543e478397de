import type { Connection } from '../connect.ts'
import { type Finding, fault, note, ok, warning } from './finding.ts'
import type { PolicyRow } from './policies.ts'
import type { ServerRow } from './server.ts'

interface GrantRow {
  readonly role: string
  readonly may: string
  readonly remedy: string
}

/** Who may do what: everything granted to strangers, every policy, and whose rights are larger than they need to be. */
export async function checkSecurity(
  connection: Connection,
  { role, superuser, bypasses_rls }: ServerRow,
  policies: readonly PolicyRow[],
): Promise<Finding[]> {
  const grants = await connection.rows<GrantRow>('doctor-grants')
  const definers = await connection.rows<{ function: string }>('doctor-definers')
  const readers = await connection.rows<{ role: string }>('doctor-readers')
  const findings: Finding[] = grants.map(({ role, may, remedy }) =>
    fault('grants', `${role} has ${may}`, `unless you mean it, run: ${remedy}`),
  )
  if (grants.length === 0)
    findings.push(ok('grants', 'nothing of the queues is granted to PUBLIC, anon or authenticated'))
  for (const { function: name } of definers) {
    findings.push(
      fault(
        'functions',
        `${name} runs with its owner's rights and the caller's search_path`,
        `run: alter function ${name} set search_path = ''; and see that its body names every schema`,
      ),
    )
  }
  if (readers.length > 0) {
    findings.push(
      note(
        'readers',
        `${readers.map(({ role }) => role).join(', ')} can read every job: pgmq lets members of pg_monitor do so`,
        'unless that is wanted: revoke select on all tables in schema pgmq from pg_monitor',
      ),
    )
  }
  const power = superuser
    ? 'a superuser'
    : bypasses_rls
      ? 'a role that bypasses row-level security'
      : undefined
  findings.push(
    power === undefined
      ? ok('role', `${role} is neither a superuser nor bypasses row-level security`)
      : warning(
          'role',
          `this is ${role}, ${power}`,
          'give workers and producers a role with no more than they need',
        ),
  )
  for (const policy of policies) findings.push(describe(policy))
  return findings
}

function describe({ policy, command, roles, using_expression, check_expression }: PolicyRow): Finding {
  const condition = [using_expression, check_expression].filter(Boolean).join(' with check ') || 'always'
  return note(
    'policies',
    `"${policy}" on realtime.messages: ${command} for ${roles.join(', ')} when ${condition.replaceAll(/\s+/g, ' ')}`,
  )
}
