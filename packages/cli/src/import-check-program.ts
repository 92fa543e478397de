// A process of its own: imports modules one after the other, and writes after each how many it is done with. What was
// compiled for them is left in a folder, if there is one: not told by the environment, which handlers see and hand on.
import { writeSync } from 'node:fs'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { Worker } from 'node:worker_threads'

const progress = 3

// In a thread, because this one may hang for good: nobody else would end this process when the worker is killed.
const guard = `const { ppid } = process
setInterval(() => { if (process.ppid !== ppid) process.kill(process.pid, 'SIGKILL') }, 500)`
new Worker(guard, { eval: true })

// Told by the worker, which meets them too.
process.on('uncaughtException', () => {}).on('unhandledRejection', () => {})

const [, , compileCache, ...urls] = process.argv
if (compileCache) enableCompileCache(compileCache)

let done = 0
for (const url of urls) {
  await import(url).catch(() => {})
  done += 1
  // Nobody waits for this process to end, which is when Node would write it.
  flushCompileCache()
  writeSync(progress, `${done}\n`)
}
