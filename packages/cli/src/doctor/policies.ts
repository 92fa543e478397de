import { type Finding, fault, note, ok, warning } from './finding.ts'

export interface RealtimeRow {
  readonly has_messages: boolean
  readonly row_security: boolean
}

export interface PolicyRow {
  readonly policy: string
  readonly command: string
  readonly permissive: boolean
  readonly roles: readonly string[]
  readonly using_expression: string | null
  readonly check_expression: string | null
}

const strangers = ['public', 'anon', 'authenticated']

/** Whether the private topic is private, and whether a worker without a secret key can hear it. */
export function checkPolicies(
  realtime: RealtimeRow,
  policies: readonly PolicyRow[],
  program: string,
): Finding[] {
  if (!realtime.has_messages)
    return [note('realtime', 'this database has no Supabase Realtime; LISTEN/NOTIFY wakes workers')]
  if (!realtime.row_security) {
    return [
      fault(
        'realtime',
        'realtime.messages has no row-level security: private topics are open to everybody',
        'run: alter table realtime.messages enable row level security',
      ),
    ]
  }
  const findings = policies
    .filter(opensToStrangers)
    .map(({ policy, command, roles }) =>
      warning(
        'realtime',
        `policy "${policy}" lets ${roles.join(', ')} ${command === 'insert' ? 'send to' : 'hear'} private topics, those of AIMQ among them`,
        `narrow it, as ${program} enable-realtime --policy does; or: drop policy "${policy}" on realtime.messages`,
      ),
    )
  const receives = policies.some(
    ({ command, using_expression }) => /select|all/.test(command) && /aimq/.test(using_expression ?? ''),
  )
  const receive = receives
    ? ok('realtime', 'a policy lets workers hear the private topic')
    : note(
        'realtime',
        'no policy lets workers hear the private topic: only a secret key can',
        `for workers without one: ${program} enable-realtime --all --policy`,
      )
  return [receive, ...findings]
}

/** A condition that does not ask which topic it is, for roles that anybody can have. */
function opensToStrangers({ permissive, roles, using_expression, check_expression }: PolicyRow): boolean {
  const condition = `${using_expression ?? ''} ${check_expression ?? ''}`
  return permissive && roles.some((role) => strangers.includes(role)) && !/topic/.test(condition)
}
