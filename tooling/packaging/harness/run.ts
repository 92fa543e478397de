import { execFile } from 'node:child_process'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

export interface Output {
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program as a user's shell would: with this Node first in the path, and nothing of the package manager that
 * started us.
 *
 * @throws when it exits with anything but 0; the message holds all it printed
 */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Record<string, string>; readonly timeoutMs?: number },
): Promise<Output> {
  const { cwd, env, timeoutMs = 120_000 } = options
  try {
    return await promisify(execFile)(program, args, {
      cwd,
      env: { ...userEnvironment(), ...env },
      timeout: timeoutMs,
      maxBuffer: 64 * 1024 * 1024,
    })
  } catch (thrown) {
    const { message, stdout = '', stderr = '' } = thrown as Error & Partial<Output>
    throw new Error([`in ${cwd}: ${message}`, stdout, stderr].join('\n'), { cause: thrown })
  }
}

/**
 * Where and how this machine gets packages is the user's choice; the rest a package manager or test runner has added.
 * It has to be handed on: npm looks for its global settings beside the Node that runs it, and here that is another one.
 */
const ofTheUser =
  /^(npm_config_(registry|cache|userconfig|cafile|ca|strict_ssl|proxy|https_proxy|noproxy)|NODE_EXTRA_CA_CERTS)$/i
const added = /^(npm_|pnpm_|node_|vitest|turbo)/i

export function userEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => ofTheUser.test(name) || !added.test(name))
  const folders = [dirname(process.execPath), ...(process.env.PATH ?? '').split(delimiter)]
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    PATH: folders.filter((folder) => !folder.endsWith(join('node_modules', '.bin'))).join(delimiter),
  }
}
