import { cp } from 'node:fs/promises'
import { startRealtime } from '@aimq/embedded'
import { expect, it } from 'vitest'
import { createDatabase } from '../../integration/harness/database.ts'
import { readExamples } from '../../testing/examples.ts'
import { installCommands } from '../harness/install-commands.ts'
import { createProject } from '../harness/project.ts'

it.each(readExamples())(
  '$name is a program one can take away',
  async ({ folder, main, readme, prints, before }) => {
    await using project = await createProject()
    await cp(folder, project.folder, { recursive: true })
    for (const words of installCommands(readme)) await project.install(...words)
    if (main.endsWith('.ts')) {
      await project.install('--save-dev', '@types/node')
      await project.typecheck(main)
    }

    await using database = await createDatabase()
    const realtime = await startRealtime({ connectionString: database.url })
    try {
      if (before) await database.query(before)
      const { stdout } = await project.node([main], {
        DATABASE_URL: database.url,
        SUPABASE_URL: realtime.url,
        SUPABASE_KEY: realtime.serviceRoleKey,
      })
      expect(stdout).toBe(prints)
    } finally {
      await realtime.stop()
    }
  },
)
