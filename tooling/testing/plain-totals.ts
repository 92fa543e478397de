import type { Reporter, TestModule } from 'vitest/node'

/** Ends the output with one plain line that people and CI can read alike: `N passed, N failed`. */
export default class PlainTotals implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0
    let failed = unhandledErrors.length
    for (const module of modules) {
      if (module.state() === 'failed' && module.errors().length > 0) failed++
      for (const test of module.children.allTests()) {
        // A test that was skipped has shown nothing.
        if (test.result().state === 'passed') passed++
        else failed++
      }
    }
    // After vitest's own summary, which is written when all reporters have returned.
    process.once('exit', () => process.stdout.write(`\n${passed} passed, ${failed} failed\n`))
  }
}
