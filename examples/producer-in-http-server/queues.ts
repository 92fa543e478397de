import { defineQueue } from '@aimq/events'
import { z } from 'zod'

/** Shared by who sends and who works: its name, and what its jobs hold. */
export const receipts = defineQueue('receipts', { schema: z.object({ orderId: z.number() }) })
