import { cp } from 'node:fs/promises'
import { startRealtime } from '@aimq/embedded'
import { expect, it } from 'vitest'
import { createDatabase } from '../../integration/harness/database.ts'
import { readExamples } from '../../testing/examples.ts'
import { installedBy } from '../harness/installed-by.ts'
import { createProject } from '../harness/project.ts'

it.concurrent.each(readExamples())(
  '$name is a program one can take away',
  async ({ folder, main, readme, prints, before }) => {
    await using project = await createProject()
    await cp(folder, project.folder, { recursive: true })
    await project.install(...installedBy(readme), '@types/node')
    if (main.endsWith('.ts')) await project.typecheck(main)

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
