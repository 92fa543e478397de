import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { workspace } from './pack.ts'

const events = join(workspace, 'packages/events')

/*
 * The compiler compares, because it alone knows what a type is: each line is a fault when it does not hold, and what it
 * says names the field.
 */
const compared = (kind: 'Facts' | 'Requests') => `
type Previous${kind} = Previous.${kind}
type Today${kind} = Pick<Today.${kind}, keyof Today.${kind} & keyof Previous.${kind}>
export const removedFrom${kind}: never = '' as Exclude<Paths<Previous.${kind}>, Paths<Today.${kind}>>
export const todayUnderstands${kind}: Today${kind} = {} as Previous${kind}
export const previousUnderstands${kind}: Pick<Previous${kind}, keyof Today${kind}> = {} as Today${kind}
`

/**
 * What today's contract lacks of the previous one, optional fields included, or means otherwise: who speaks the one has to
 * understand who speaks the other. Both are folders of declarations within `folder`.
 */
export async function compareContracts(folder: string, previous: string, today: string): Promise<string[]> {
  return compile(
    folder,
    `import type * as Previous from './${previous}/contract.js'
import type * as Today from './${today}/contract.js'
import type { Paths } from '${events}/test/paths.ts'
${compared('Facts')}${compared('Requests')}`,
  )
}

const sampled = (kind: 'Facts' | 'Requests', samples: string) => `
export const without${kind}Sample: never = '' as Exclude<Paths<Contract.${kind}>, Paths<typeof ${samples}>>
export const invented${kind}: never = '' as Exclude<Paths<typeof ${samples}>, Paths<Contract.${kind}> | Free>
`

/** Where the samples of a version differ from the contract of that version: nothing left out, nothing added later. */
export async function compareSamples(folder: string, contract: string, version: string): Promise<string[]> {
  const golden = `${events}/golden/v${version}`
  return compile(
    folder,
    `import type * as Contract from './${contract}/contract.js'
import type { Paths } from '${events}/test/paths.ts'
import type { facts } from '${golden}/facts.ts'
import type { requests } from '${golden}/requests.ts'
type Free = \`\${string}.\${'payload' | 'headers'}.\${string}\`
${sampled('Facts', 'facts')}${sampled('Requests', 'requests')}`,
  )
}

async function compile(folder: string, text: string): Promise<string[]> {
  await writeFile(join(folder, 'compare.ts'), text)
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: join(workspace, 'tsconfig.base.json'),
      compilerOptions: {
        noEmit: true,
        isolatedDeclarations: false,
        declaration: false,
        // What is compared lies elsewhere than what it is compared to.
        rewriteRelativeImportExtensions: false,
        allowImportingTsExtensions: true,
        typeRoots: [join(workspace, 'node_modules/@types')],
      },
      files: ['compare.ts'],
    }),
  )
  const tsc = join(workspace, 'node_modules/typescript/bin/tsc')
  const args = [tsc, '-p', folder, '--pretty', 'false', '--noErrorTruncation']
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder }).catch(
    (failed: { stdout: string }) => failed,
  )
  return stdout.split(/\n(?! )/).filter((fault) => fault.includes(': error '))
}
