const forEverMs = 2 ** 31 - 1

/** Resolves when `signal` aborts. Keeps the process alive until then, whatever else runs or does not run in it. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const alive = setInterval(() => {}, forEverMs)
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  clearInterval(alive)
}
