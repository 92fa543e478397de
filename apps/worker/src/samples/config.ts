import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Config, type OwnInput, type OwnSettings, shown } from '@aimq/cli/start'

/** What is set of the samples. */
export interface Samples {
  /** Work the sample queues. */
  readonly samples: boolean
  /** Fill them when they have never held anything. */
  readonly sampleJobs: boolean
  readonly digestRoot: string
  readonly webhookTimeoutMs: number
}

export type SamplesConfig = Config & Samples

interface Given {
  readonly samples?: boolean
  readonly digestRoot?: string
  readonly webhookTimeoutMs?: number
}

/** On when asked for, and when there is nothing else to work. */
export function readSamples({
  given,
  own,
  environment,
  databaseUrl,
  cwd,
  originOf,
}: OwnInput): OwnSettings<Samples> {
  const { samples: asked, ...more } = own as Given
  const samples = asked === true || (databaseUrl === undefined && given.handlers === undefined)
  const digestRoot = resolve(cwd, more.digestRoot ?? '.')
  const faults: string[] = []
  if (samples) {
    if (!statSync(digestRoot, { throwIfNoEntry: false })?.isDirectory()) {
      faults.push(`${originOf('digestRoot')}: expected a folder, got ${shown(more.digestRoot ?? cwd)}`)
    }
    faults.push(...secretFaults(environment))
  }
  const sampleJobs = samples && asked !== false
  const webhookTimeoutMs = more.webhookTimeoutMs ?? 15_000
  return { own: { samples, sampleJobs, digestRoot, webhookTimeoutMs }, active: samples, faults }
}

const isSecretVariable = (name: string) => /^WEBHOOK_SECRET(_|$)/.test(name)

function secretFaults(environment: OwnInput['environment']): string[] {
  const faults: string[] = []
  for (const [name, secret] of Object.entries(environment)) {
    if (!isSecretVariable(name) || secret === undefined) continue
    const usable = secret.startsWith('whsec_')
      ? /^whsec_[A-Za-z0-9+/]{22,}={0,2}$/.test(secret)
      : secret.length >= 16
    if (!usable)
      faults.push(
        `${name}: expected at least 16 characters, or whsec_ and at least 16 bytes of base64 (not shown)`,
      )
  }
  return faults
}
