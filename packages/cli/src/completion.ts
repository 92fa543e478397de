import suggest from '@bomb.sh/tab/commander'
import type { AnyCommand } from './command.ts'
import { commands } from './commands.ts'
import { buildProgram } from './program.ts'
import { allSettings } from './start/settings.ts'

/** What the script of a shell asks for at every press of the key: candidates for the last of `words`, on stdout. */
export function complete(words: readonly string[]): void {
  const groups = commands.map(({ title, commands }) => ({
    title,
    commands: commands.filter(({ name }) => name !== 'completion').map(inOneLine),
  }))
  const program = buildProgram(groups, 'aimq', async () => {})
  suggest(program, { completionCommandName: 'completion' }).parse([...words])
}

/** Shells take one line for each; and what the worker reads by itself is told here, too. */
function inOneLine(spec: AnyCommand): AnyCommand {
  if (!('takesOver' in spec)) return { ...spec, details: '' }
  const { takesOver: _, load: __, ...rest } = spec
  const options = Object.values(allSettings()).map(({ flag, help }) => ({ flags: flag, help }))
  return { ...rest, options, load: async () => ({ run: async () => {} }) }
}
