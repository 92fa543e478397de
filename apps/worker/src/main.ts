import { runWorker } from '@aimq/cli/start'
import { worker } from './worker.ts'

await runWorker(worker, process.argv.slice(2))
