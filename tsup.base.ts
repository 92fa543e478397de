import type { Options } from 'tsup'

/** One ESM file per entry. Declarations come from `tsc`: tsup cannot emit them with TypeScript 7. */
export function packageBuild(entry: string[]): Options {
  return {
    entry,
    format: ['esm'],
    target: 'node22',
    platform: 'node',
    dts: false,
    clean: true,
    splitting: true,
  }
}
