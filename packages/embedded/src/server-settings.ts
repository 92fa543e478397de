import { chmod, rename, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

const settingsFile = 'server.conf'
/** Appended to `postgresql.conf` once. Relative, so that the whole data folder may be moved. */
export const includeSettingsLine: string = `\ninclude '../${settingsFile}'\n`

/** Written anew before every start. `settings` come last and win. */
export async function writeServerSettings(
  home: string,
  options: { port: number; extensions: string | undefined; settings: Readonly<Record<string, string>> },
): Promise<void> {
  const all: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(options.port),
    // Sockets have a short limit on their path, and a shared folder would be open to other users of the machine.
    unix_socket_directories: '',
    ...(options.extensions === undefined
      ? {}
      : { extension_control_path: `$system${delimiter}${options.extensions}` }),
    // What logical replication, and so a Realtime server, needs.
    wal_level: 'logical',
    // Many test files and workers at once.
    max_connections: '200',
    shared_buffers: '128MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...options.settings,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${quote(value)}\n`)
  const path = join(home, settingsFile)
  const draft = `${path}-draft`
  await writeFile(draft, `# Written anew on every start.\n${lines.join('')}`)
  // The server's user may be another one than we are, whatever the umask.
  await chmod(draft, 0o644)
  await rename(draft, path)
}

function quote(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n')}'`
}
