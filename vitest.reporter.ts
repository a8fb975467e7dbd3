import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule, Vitest } from 'vitest/node'

/**
 * Writes what a package's tests came to into its `test-counts.json`, which `npm test` adds up: the numbers, and the name and
 * the reason of each test that was skipped. It is an output of turbo's `test` task, so a run answered from the cache counts too.
 */
export default class CountsReporter implements Reporter {
  #file = 'test-counts.json'

  onInit(vitest: Vitest): void {
    this.#file = `${vitest.config.root}/test-counts.json`
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    // An error outside any test (a module that does not load, an unhandled rejection) is a failure.
    const counts = { passed: 0, failed: unhandled.length, skipped: 0 }
    const skips: { test: string; reason: string }[] = []
    for (const module of modules) {
      counts.failed += module.errors().length
      for (const test of module.children.allTests()) {
        const result = test.result()
        const state = result.state === 'pending' ? 'skipped' : result.state
        counts[state] += 1
        if (state === 'skipped') {
          const reason = (result.state === 'skipped' && result.note) || 'no reason is given'
          skips.push({ test: `${module.relativeModuleId} > ${test.fullName}`, reason })
        }
      }
    }
    writeFileSync(this.#file, `${JSON.stringify({ ...counts, skips })}\n`)
  }
}
