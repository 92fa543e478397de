import type { CommandSpec } from '../command.ts'

export const completionCommand: CommandSpec = {
  name: 'completion',
  operands: '<shell>',
  choices: ['bash', 'zsh', 'fish', 'powershell'],
  summary: 'print a script that completes commands and options: bash, zsh, fish or powershell',
  details:
    "bash (with bash-completion): echo 'source <(aimq completion bash)' >> ~/.bashrc\n" +
    "zsh:  echo 'source <(aimq completion zsh)' >> ~/.zshrc\n" +
    'fish: aimq completion fish > ~/.config/fish/completions/aimq.fish',
  examples: [['completion bash', 'to be sourced']],
  load: () => import('../run/completion.ts'),
}
