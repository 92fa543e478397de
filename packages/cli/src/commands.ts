import { completionCommand } from './commands/completion.ts'
import { localCommands, startCommand } from './commands/local.ts'
import { observeCommands } from './commands/observe.ts'
import { deadLetterCommands, queueCommands } from './commands/queues.ts'
import { sendCommand } from './commands/send.ts'
import { triggerCommands, wakeUpCommands } from './commands/wake-ups.ts'
import type { CommandGroup } from './program.ts'

/** Every command there is, in the order of the help. */
export const commands: readonly CommandGroup[] = [
  { title: 'Start', commands: [...localCommands, startCommand] },
  { title: 'Queues', commands: queueCommands },
  { title: 'Messages', commands: [sendCommand, ...deadLetterCommands] },
  { title: 'Wake-ups', commands: [...wakeUpCommands, ...triggerCommands] },
  { title: 'Look', commands: [...observeCommands, completionCommand] },
]
