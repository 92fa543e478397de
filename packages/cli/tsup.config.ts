import { defineConfig } from 'tsup'
import { packageBuild } from '../../tsup.base.ts'

export default defineConfig(
  packageBuild(['src/bin.ts', 'src/index.ts', 'src/start.ts', 'src/import-check-program.ts']),
)
