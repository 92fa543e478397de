import type { Catalogue } from './catalogue.ts'
import { ownedCore } from './core.ts'
import { sqlOf } from './sql.ts'
import { ownedThrottle } from './throttle.ts'
import type { Removable } from './wanted.ts'

/** The ledger and the schema, unless somebody else uses them; the last step of a removal. */
export const sharedRemains: Removable = {
  object: 'table aimq.migration and schema aimq, unless another package uses them',
  get dropSql() {
    return sqlOf('core/remove-ledger')
  },
  isThere(found) {
    if (!found.schema || found.shared) return false
    return hasLedger(found) || !hasStrangers(found)
  },
}

function hasLedger({ tables }: Catalogue): boolean {
  return tables.some(({ schema, name }) => schema === 'aimq' && name === 'migration')
}

/** Whether schema `aimq` holds something that we did not make, and so stays. */
function hasStrangers(found: Catalogue): boolean {
  const all = found.functions.length + found.tables.filter(({ schema }) => schema === 'aimq').length
  const ours = [...ownedCore(), ...ownedThrottle()].filter(
    (object) => /^(function|table) /.test(object.object) && object.isThere(found),
  )
  return all > ours.length
}
