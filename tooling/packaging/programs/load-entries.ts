/*
 * Imports what it is told to and prints, as JSON, what came of it: the imports that failed, and what in this process is
 * not as it was before. It ends by itself only if nothing was left running.
 */
const outcome: { failures: string[]; leftovers: string[] } = { failures: [], leftovers: [] }

function traces(): string[] {
  return [
    // Not those of tslib, which a library brings along.
    ...Object.keys(globalThis)
      .filter((key) => !key.startsWith('__'))
      .map((key) => `global ${key}`),
    ...process.eventNames().map((name) => `process.on ${String(name)} × ${process.listenerCount(name)}`),
  ]
}

const before = traces()
for (const specifier of process.argv.slice(2)) {
  await import(specifier).catch((thrown: Error) => outcome.failures.push(thrown.message))
}
outcome.leftovers = traces().filter((trace) => !before.includes(trace))
console.log(JSON.stringify(outcome))
