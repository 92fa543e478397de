import { defineConfig } from 'tsup'
import { packageBuild } from '../../tsup.base.ts'

export default defineConfig(
  packageBuild(['src/index.ts', 'src/drizzle.ts', 'src/kysely.ts', 'src/postgres-js.ts', 'src/prisma.ts']),
)
