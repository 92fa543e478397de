/** For the queue "bench", of a worker that is measured by what it takes itself. */
export default async (): Promise<void> => {}
