import { queueNamePattern, type TriggerChange } from '@aimq/events'
import type { Catalogue } from './catalogue.ts'
import { ownedCore, wantedCore } from './core.ts'
import { TriggersError, triggersErrorCodes } from './errors.ts'
import { foreignOn } from './foreign.ts'
import { type QueueTriggerSettings, triggerDefaults } from './options.ts'
import { receivePolicy } from './policy.ts'
import { isOlder, isOurs, ourTriggerOn, queueTrigger, settingsOf } from './queue-trigger.ts'
import { chosenQueues, unfitness } from './queues.ts'
import { sharedRemains } from './remains.ts'
import { identifier } from './sql.ts'
import { isThrottled, lastHintOf, ownedThrottle } from './throttle.ts'
import { planOf, type Removable, removalOf, type Wanted } from './wanted.ts'

/** What there is to do, and for which queues it makes a difference. */
export interface Plan {
  readonly changes: readonly TriggerChange[]
  /** Queues whose triggers are made, mended or removed. */
  readonly touched: readonly QueueWish[]
}

/** A queue and what its trigger is to do. */
export interface QueueWish {
  readonly queue: string
  readonly settings: QueueTriggerSettings
}

/** All that these triggers need, from the first to the last. */
export function wantedFor(wishes: readonly QueueWish[]): readonly Wanted[] {
  if (wishes.length === 0) return []
  const throttled = wishes.some(({ settings }) => isThrottled(settings))
  return [
    ...wantedCore(),
    ...(throttled ? ownedThrottle() : []),
    ...wishes.flatMap(({ queue, settings }) => [
      ...(isThrottled(settings) ? [lastHintOf(queue)] : []),
      queueTrigger(queue, settings),
    ]),
  ]
}

export function planInstall(
  found: Catalogue,
  queues: readonly string[] | undefined,
  settings: QueueTriggerSettings,
  replaceForeign: boolean,
  usual: QueueTriggerSettings,
): Plan {
  const chosen = chosenQueues(found, queues)
  const wishes = withOlder(
    found,
    chosen.map((queue) => ({ queue, settings })),
    usual,
  )
  if (settings.paths.includes('realtime')) requireRealtime(found)
  const foreign = chosen.flatMap((queue) => foreignOn(found, queue, settings.channel))
  const inTheWay = foreign.filter(({ inOurPlace }) => inOurPlace)
  if (!replaceForeign && inTheWay.length > 0) {
    throw new TriggersError(
      triggersErrorCodes.foreignTrigger,
      inTheWay.flatMap(({ findings }) => findings.map(({ message }) => message)).join('\n'),
    )
  }
  const changes = [
    ...(replaceForeign ? foreign.map(({ removal }) => removal) : []),
    ...planOf(wantedFor(wishes), found),
  ]
  return asPlan(changes, wishes)
}

/** Mends what stands, and what was asked for by name. */
export function planRepair(
  found: Catalogue,
  named: readonly string[] | undefined,
  usual: QueueTriggerSettings,
): Plan {
  const wishes = standing(found, usual).filter(({ queue }) => named === undefined || named.includes(queue))
  const missing = chosenQueues(found, named ?? [])
    .filter((queue) => !wishes.some((wish) => wish.queue === queue))
    .filter((queue) => !foreignOn(found, queue, usual.channel).some(({ inOurPlace }) => inOurPlace))
    .map((queue) => ({ queue, settings: usual }))
  const all = withOlder(found, [...wishes, ...missing], usual)
  return asPlan(planOf(wantedFor(all), found), all)
}

export function planRemoval(found: Catalogue, queues: readonly string[] | undefined): Plan {
  const ours = found.triggers.filter((trigger) => trigger.schema === 'pgmq' && isOurs(trigger))
  const gone = ours.filter(({ table }) => queues === undefined || queues.includes(table.slice(2)))
  const drops = gone.map(({ name, table }) => ({
    action: 'remove' as const,
    object: `trigger ${name} on pgmq.${table}`,
    reason: 'its removal was asked for',
    sql: `drop trigger ${identifier(name)} on pgmq.${identifier(table)};`,
  }))
  const wishes = [...new Set(gone.map(({ table }) => table.slice(2)))]
    .filter((queue) => queueNamePattern.test(queue))
    .map((queue) => ({
      queue,
      settings: settingsOf(ourTriggerOn(found, queue)?.arguments ?? []) ?? triggerDefaults,
    }))
  const rest =
    gone.length < ours.length
      ? wishes.map(({ queue }) => lastHintOf(queue))
      : [...[...ownedCore(), ...ownedThrottle()].toReversed(), ...remainsBefore(found)]
  return asPlan([...drops, ...removalOf(rest, found, 'nobody needs it any more')], wishes)
}

/** The ledger stays for as long as it says that the policy, which goes after this, is ours. */
function remainsBefore(found: Catalogue): Removable[] {
  return receivePolicy().isThere(found) ? [] : [sharedRemains]
}

/** The queues that have a trigger of ours, with what it does. */
export function standing(found: Catalogue, usual: QueueTriggerSettings): QueueWish[] {
  const ours = found.triggers.filter((trigger) => trigger.schema === 'pgmq' && isOurs(trigger))
  return [...new Set(ours.map(({ table }) => table.slice(2)))]
    .filter((queue) => unfitness(found, queue) === undefined)
    .map((queue) => ({ queue, settings: settingsOf(ourTriggerOn(found, queue)?.arguments ?? []) ?? usual }))
}

/** All triggers share one function: where a newer one comes, those that were made for an older one come along. */
function withOlder(
  found: Catalogue,
  wishes: readonly QueueWish[],
  usual: QueueTriggerSettings,
): readonly QueueWish[] {
  if (wishes.length === 0) return wishes
  const older = standing(found, usual)
    .filter(({ queue }) => !wishes.some((wish) => wish.queue === queue))
    .filter(({ queue }) => isOlder(ourTriggerOn(found, queue)))
  return [...wishes, ...older]
}

function requireRealtime(found: Catalogue): void {
  if (found.realtime) return
  throw new TriggersError(
    triggersErrorCodes.realtimeMissing,
    "expected Supabase Realtime's function realtime.send, and it is not there; install with paths: ['notify'], or check that this is the right database",
  )
}

/** @param wishes the queues whose triggers the changes may be about */
function asPlan(changes: readonly TriggerChange[], wishes: readonly QueueWish[]): Plan {
  const objects = new Set(changes.map(({ object }) => object))
  return {
    changes,
    touched: wishes.filter(({ queue, settings }) => objects.has(queueTrigger(queue, settings).object)),
  }
}
