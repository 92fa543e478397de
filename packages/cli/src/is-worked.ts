/** By its name: what holds dead letters has no workers. */
export const isWorked = (queue: string): boolean => !queue.endsWith('_dlq')
