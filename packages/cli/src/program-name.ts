/** How this program was started, so that the commands it prints can be typed as they stand. */
export function programName(env: Readonly<Record<string, string | undefined>>): string {
  // The script of the same name in a package.json: `npx -y pnpm@12 aimq list`.
  if (env.npm_lifecycle_event === 'aimq') {
    return env.npm_config_user_agent?.startsWith('pnpm/') ? 'npx -y pnpm@12 aimq' : 'npm run aimq --'
  }
  if (env.npm_command === 'exec') return 'npx aimq'
  return 'aimq'
}
