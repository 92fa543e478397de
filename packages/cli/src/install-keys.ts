const step = '@aimq/queue'

/** There is no command for it: it is a decision about the database, made once by whoever owns it. */
export const installKeys: string = `node --input-type=module -e "import { createQueueClient } from '${step}'; const client = createQueueClient({ connectionString: process.env.DATABASE_URL }); await client.install(); await client.close()"`
