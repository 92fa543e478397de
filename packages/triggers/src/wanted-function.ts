import type { Catalogue, FoundFunction } from './catalogue.ts'
import { bodyOf, sqlOf } from './sql.ts'
import type { Judgement, Owned } from './wanted.ts'

interface FunctionWish {
  /** Without the schema, which is `aimq`. */
  readonly name: string
  /** Names and types, as PostgreSQL writes them: `id uuid, awake text[]`. */
  readonly arguments: string
  /** The SQL that makes it: security definer, an empty search path, nothing for PUBLIC, a version in its comment. */
  readonly sql: string
}

/** A function of schema `aimq` from `sql/<path>.sql`. */
export function wantedFunction(name: string, args: string, path: string): Owned {
  return functionOf({ name, arguments: args, sql: sqlOf(path) })
}

/** A function of schema `aimq`. */
export function functionOf(wish: FunctionWish): Owned {
  const { name, sql } = wish
  const signature = `aimq.${name}(${wish.arguments})`
  const find = (found: Catalogue) =>
    found.functions.find((other) => other.name === name && other.arguments === wish.arguments)
  return {
    object: `function ${signature}`,
    sql,
    dropSql: `drop function if exists aimq.${name}(${typesOf(wish.arguments)});`,
    isThere: (found) => find(found) !== undefined,
    judge: (found) => judge(find(found), sql, signature),
  }
}

/** `id uuid, awake text[]` → `uuid, text[]` */
function typesOf(args: string): string {
  return args.replaceAll(/\b\w+ (?=[\w[\]]+(,|$))/g, '')
}

function judge(there: FoundFunction | undefined, sql: string, signature: string): Judgement | undefined {
  if (there === undefined) {
    return { action: 'create', problem: 'drifted', reason: `function ${signature} is not there` }
  }
  const wanted = versionOf(sql)
  const version = versionOf(there.comment ?? '')
  if (version !== undefined && wanted !== undefined && version > wanted) {
    return {
      problem: 'drifted',
      reason: `function ${signature} has version ${version}, newer than our ${wanted}; it is left alone: upgrade @aimq/triggers`,
    }
  }
  if (version !== wanted) {
    return {
      action: 'replace',
      problem: 'old-version',
      reason: `function ${signature} has ${version === undefined ? 'no version' : `version ${version}`}, expected ${wanted}`,
    }
  }
  const faults = faultsOf(there, sql)
  if (faults.length === 0) return undefined
  return { action: 'replace', problem: 'drifted', reason: `function ${signature} ${faults.join(', ')}` }
}

function faultsOf(there: FoundFunction, sql: string): string[] {
  const faults: string[] = []
  if (there.body !== bodyOf(sql) || there.language !== 'plpgsql') faults.push('has another body')
  if (!there.definer) faults.push('is not security definer')
  if (there.volatility !== 'v') faults.push('is not volatile')
  if (there.settings?.length !== 1 || !/^search_path=("")?$/.test(there.settings[0] ?? ''))
    faults.push('has other settings')
  if (there.public) faults.push('may be executed by PUBLIC')
  return faults
}

/** The version in a comment such as `AIMQ trigger function, version 1: …`. */
export function versionOf(text: string): number | undefined {
  const [, version] = /\bAIMQ [\w ]+, version (\d+)\b/.exec(text) ?? []
  return version === undefined ? undefined : Number(version)
}
