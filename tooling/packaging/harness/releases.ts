import { inject } from 'vitest'
import type { Release as Packed } from './pack.ts'

/** A package in one version. */
export interface Release {
  readonly name: string
  readonly version: string
  /** What npm is asked for. */
  readonly spec: string
  /** The oldest contract it works with; none for the contract itself. */
  readonly oldestContract: string | undefined
}

export function ofToday(part: string): Release {
  return find(inject('packages'), part)
}

export function ofPrevious(part: string): Release {
  return find(inject('previous'), part)
}

/** Whether npm installs them side by side. */
export function understands({ oldestContract }: Release, contract: Release | undefined): boolean {
  if (oldestContract === undefined || contract === undefined) return true
  return contract.version.localeCompare(oldestContract, 'en', { numeric: true }) >= 0
}

function find(packed: readonly Packed[], part: string): Release {
  const found = packed.find(({ name }) => name === `@aimq/${part}`)
  if (found === undefined) throw new Error(`expected a release of ${part}`)
  const { name, version, manifest } = found
  const range = manifest.peerDependencies?.['@aimq/events']
  const oldestContract = range?.match(/^>=(\S+) </)?.[1]
  return { name, version, spec: `${name}@${version}`, oldestContract }
}
