/** Steps that only make things faster. */
export const accelerators = ['realtime', 'triggers'] as const
export type Accelerator = (typeof accelerators)[number]

const useOf = (plugin: string): RegExp => new RegExp(`^.*bus\\.use\\(\\s*${plugin}\\(`, 'm')

/** Whether a program works jobs, and has this step to be quick about it. */
export function isQuickenedBy(program: string, plugin: Accelerator): boolean {
  return useOf(plugin).test(program) && useOf('worker').test(program)
}

/** The program without the statement that uses the plugin and the line that imports it. */
export function withoutPlugin(program: string, plugin: Accelerator): string {
  const { index, 0: begun } = useOf(plugin).exec(program) ?? { index: 0, 0: '' }
  let end = index + begun.length
  for (let open = 2; open > 0; end++) {
    if (program[end] === undefined) throw new Error(`expected the use of ${plugin} to be closed`)
    if (program[end] === '(') open++
    if (program[end] === ')') open--
  }
  const rest = program.slice(0, index) + program.slice(end)
  return rest.replace(new RegExp(`^import .* from '@aimq/${plugin}'\n`, 'm'), '')
}
