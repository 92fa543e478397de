// What `pnpm start` does first: builds the packages and the app, where they have changed, and says nothing unless that fails.
import { spawnSync } from 'node:child_process'

const command = 'turbo run build --filter=@aimq/app-worker --output-logs=errors-only'
const { status, stdout, stderr } = spawnSync(command, {
  // Finds turbo on Windows, too.
  shell: true,
  encoding: 'utf8',
  // Whoever tries a worker has not agreed to be counted by a build tool.
  env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
})
if (status !== 0) process.stderr.write(`${stdout}${stderr}\nbuilding the worker app failed: ${command}\n`)
process.exitCode = status ?? 1
