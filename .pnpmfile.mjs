/*
 * What is published differs from what is worked on: the condition by which the workspace runs from sources, and what only
 * the workspace installs or runs, stay here. One place for all packages, so that no manifest has two lists of exports.
 */
const sourceCondition = '@aimq/source'

export const hooks = {
  beforePacking({ devDependencies, scripts, ...manifest }) {
    return manifest.exports ? { ...manifest, exports: withoutSource(manifest.exports) } : manifest
  },
}

function withoutSource(exports) {
  if (typeof exports !== 'object') return exports
  const entries = Object.entries(exports).filter(([key]) => key !== sourceCondition)
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutSource(value)]))
}
