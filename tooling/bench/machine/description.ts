import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, loadavg, release, totalmem, type } from 'node:os'

const require = createRequire(import.meta.url)

export interface MachineDescription {
  readonly date: string
  readonly machine: string
  readonly load: string
  readonly versions: Readonly<Record<string, string>>
}

/** Where and when, and with what. */
export function describeMachine(servers: Readonly<Record<string, string>>): MachineDescription {
  const processors = cpus()
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    machine: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`,
    load: loadavg()
      .map((value) => value.toFixed(1))
      .join(', '),
    versions: {
      Node: process.versions.node,
      ...servers,
      ...Object.fromEntries(
        ['pg', 'graphile-worker', 'pg-boss', 'bullmq'].map((name) => [name, versionOf(name)]),
      ),
    },
  }
}

function versionOf(name: string): string {
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')).version
    } catch {
      // Not in this folder.
    }
  }
  return 'unknown'
}
