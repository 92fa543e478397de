import type { Manifest } from './pack.ts'

/** What users may import of a package. */
export function entriesOf({ name, exports }: Manifest): string[] {
  return Object.keys(exports ?? {})
    .filter((path) => path !== './package.json')
    .map((path) => name + path.slice(1))
}

/** Libraries that only users of some of its entries have. */
export function optionalPeersOf({ peerDependenciesMeta }: Manifest): string[] {
  return Object.entries(peerDependenciesMeta ?? {}).flatMap(([peer, { optional }]) =>
    optional ? [peer] : [],
  )
}
