import type { TriggerFinding } from '@aimq/events'
import type { Catalogue } from './catalogue.ts'
import { TriggersError, triggersErrorCodes } from './errors.ts'
import { packageName, wantedEntry, wantedLedger, wantedSchema } from './ledger.ts'
import type { Plan } from './plan.ts'
import { isOurs } from './queue-trigger.ts'
import { sharedRemains } from './remains.ts'
import { checksumOf, sqlOf } from './sql.ts'
import { type Owned, planOf, removalOf } from './wanted.ts'

const name = 'aimq_workers_receive'

/** Says that the policy is ours: one that somebody made by hand is not to be taken away. */
export const policyNote = {
  name: '0003_policy',
  get sql() {
    return wantedEntry(policyNote.name, checksumOf([sqlOf('policy/workers-receive')]), []).sql
  },
  dropSql: `delete from aimq.migration where package = '${packageName}' and name = '0003_policy';`,
  unless: `exists (select from aimq.migration where package = '${packageName}' and name = '0003_policy')`,
}

/** Lets workers, and nobody else, hear the private topics of AIMQ. Belongs in a short transaction of its own. */
export function receivePolicy(): Owned {
  const object = `policy ${name} on realtime.messages`
  const create = sqlOf('policy/workers-receive')
  const drop = `drop policy if exists ${name} on realtime.messages;`
  const sql = `${create}\n${policyNote.sql}`
  return {
    object,
    sql,
    unless: `exists (select from pg_catalog.pg_policy as p join pg_catalog.pg_class as c on c.oid = p.polrelid join pg_catalog.pg_namespace as n on n.oid = c.relnamespace where n.nspname = 'realtime' and c.relname = 'messages' and p.polname = '${name}')`,
    dropSql: `${drop}\n${policyNote.dropSql}`,
    isThere: (found) => found.ledger.has(policyNote.name),
    judge(found) {
      const there = find(found)
      if (there === undefined) {
        return {
          action: 'create',
          problem: 'missing',
          reason: `${object} is not there: workers without a secret key cannot hear private hints`,
        }
      }
      const [, using = ''] = /\bto authenticated using \(([\s\S]*)\);$/.exec(create) ?? []
      const same =
        there.command === 'r' &&
        there.roles?.join() === 'authenticated' &&
        bare(there.using ?? '') === bare(using)
      if (same) return undefined
      return {
        action: 'replace',
        problem: 'drifted',
        reason: `${object} is defined otherwise: expected using (${using.replaceAll(/\s+/g, ' ').trim()}), got ${there.using}`,
        sql: `${drop}\n${sql}`,
      }
    },
  }
}

export function planPolicy(found: Catalogue): Plan {
  const changes = planOf([receivePolicy()], found)
  // Without a queue nothing else has made the ledger.
  const ledger = changes.length > 0 ? planOf([wantedSchema, wantedLedger()], found) : []
  return { changes: [...ledger, ...changes], touched: [] }
}

/** @throws `triggers/realtime-missing` where there is no table to put the policy on */
export function requireMessages(found: Catalogue): void {
  if (found.messages) return
  throw new TriggersError(
    triggersErrorCodes.realtimeMissing,
    "expected Supabase Realtime's table realtime.messages, and it is not there; install without policy",
  )
}

/** @throws `triggers/invalid-options` when the policy would not cover the topic */
export function assertCovered(channel: string): void {
  if (channel.startsWith('aimq:')) return
  throw new TriggersError(
    triggersErrorCodes.invalidOptions,
    `policy: expected a channel that begins with "aimq:", which is what the policy lets workers hear; got "${channel}"`,
  )
}

/** With the last trigger the policy goes, too, and what its note in the ledger has kept. */
export function planPolicyRemoval(found: Catalogue): Plan {
  const needed = found.triggers.some((trigger) => trigger.schema === 'pgmq' && isOurs(trigger))
  return {
    changes:
      needed || !receivePolicy().isThere(found)
        ? []
        : removalOf([receivePolicy(), sharedRemains], found, 'nobody needs it any more'),
    touched: [],
  }
}

/** Undefined where there is no Realtime. */
export function policyState(
  found: Catalogue,
): { installed: boolean; findings: readonly TriggerFinding[] } | undefined {
  if (!found.messages) return undefined
  const judgement = receivePolicy().judge(found)
  return {
    installed: find(found) !== undefined,
    findings:
      judgement?.problem === 'drifted'
        ? [{ problem: 'drifted', message: `${judgement.reason}; install with policy: true mends it` }]
        : [],
  }
}

function find(found: Catalogue) {
  return found.policies.find((policy) => policy.name === name)
}

/** An expression without what PostgreSQL adds to it: parentheses, casts of literals, names of columns. */
function bare(expression: string): string {
  return expression
    .toLowerCase()
    .replaceAll(/::text\b/g, '')
    .replaceAll(/ as topic\b/g, '')
    .replaceAll('~~', 'like')
    .replaceAll(/[\s()]/g, '')
}
