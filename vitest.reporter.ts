import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule, Vitest } from 'vitest/node'

/**
 * Writes what a package's tests came to into its `test-counts.json`, which `npm test` adds up.
 * It is an output of turbo's `test` task, so a run answered from the cache counts too.
 */
export default class CountsReporter implements Reporter {
  #file = 'test-counts.json'

  onInit(vitest: Vitest): void {
    this.#file = `${vitest.config.root}/test-counts.json`
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    // An error outside any test (a module that does not load, an unhandled rejection) is a failure.
    const counts = { passed: 0, failed: unhandled.length, skipped: 0 }
    for (const module of modules) {
      counts.failed += module.errors().length
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        counts[state === 'pending' ? 'skipped' : state] += 1
      }
    }
    writeFileSync(this.#file, `${JSON.stringify(counts)}\n`)
  }
}
