import { fileURLToPath } from 'node:url'

/** The program that sends a job. As far from here in the sources as from what they are built into. */
export const sendJobFile = fileURLToPath(new URL('../examples/send-job.ts', import.meta.url))
