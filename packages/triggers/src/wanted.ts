import type { TriggerChange, TriggerProblem } from '@aimq/events'
import type { Catalogue } from './catalogue.ts'

/*
 * Everything we put into a database is a `Wanted`: it knows the SQL that makes it so, and judges what is there. `plan`
 * is what the judgements say there is to do, `install` does it, `list` tells what is wrong, `migration` writes it down.
 */

/** What is wrong, and what there is to do about it. */
export interface Judgement {
  readonly problem: TriggerProblem
  /** What was expected, what is there. */
  readonly reason: string
  /** Undefined: nothing that we would do, for example because it was made by a newer version. */
  readonly action?: TriggerChange['action']
  /** When it is other SQL than that of the object. */
  readonly sql?: string
}

export interface Wanted {
  /** As a person would say it: `function aimq.notify_job_enqueued()`. */
  readonly object: string
  /** Makes it so. Valid as a statement and inside a block of plpgsql. */
  readonly sql: string
  /**
   * A condition in SQL: where it holds there is nothing to do. For migrations, which cannot look at the catalogue
   * before they are written. Without it `sql` may run any number of times.
   */
  readonly unless?: string
  /** Undefined when it is as it should be. */
  judge(found: Catalogue): Judgement | undefined
}

/** Something that can go again. */
export interface Removable {
  readonly object: string
  /** Takes it away; may be run where it is not there. Valid as a statement and inside a block of plpgsql. */
  readonly dropSql: string
  isThere(found: Catalogue): boolean
}

/** What is ours alone, from the first to the last. */
export interface Owned extends Wanted, Removable {}

export function planOf(wanted: readonly Wanted[], found: Catalogue): TriggerChange[] {
  return wanted.flatMap((object) => {
    const judgement = object.judge(found)
    if (judgement?.action === undefined) return []
    const { action, reason, sql = object.sql } = judgement
    return [{ action, object: object.object, reason, sql }]
  })
}

/** @param removable in the order in which they can go */
export function removalOf(
  removable: readonly Removable[],
  found: Catalogue,
  reason: string,
): TriggerChange[] {
  return removable
    .filter((object) => object.isThere(found))
    .map(({ object, dropSql }) => ({ action: 'remove', object, reason, sql: dropSql }))
}
