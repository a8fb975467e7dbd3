import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { Reporter, SerializedError, TestModule, Vitest } from 'vitest/node'

/** This many lines of an error are enough to tell what failed. The test run of the package prints the whole error. */
const shownLines = 6
const shownColumns = 200

/**
 * Writes the test results of a package into the package's `test-counts.json`: how many tests passed, failed and were skipped,
 * the name and the reason of each skipped test, and the name and the errors of each failed test. `npm test` adds up these
 * files. turbo keeps the file in its cache as an output of the `test` task, so a test run that the cache answers counts too.
 */
export default class CountsReporter implements Reporter {
  #root = '.'

  onInit(vitest: Vitest): void {
    this.#root = vitest.config.root
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 }
    const skips: { test: string; reason: string }[] = []
    const failures: { test: string; errors: string[] }[] = []
    const fail = (test: string, errors: readonly SerializedError[]): void => {
      failures.push({ test, errors: errors.map((error) => this.#beginningOf(error)) })
    }
    for (const module of modules) {
      const file = module.relativeModuleId
      // An error outside any test (a module that does not load, a hook, an unhandled rejection) is a failure.
      for (const group of [module, ...module.children.allSuites()]) {
        const name = group.type === 'suite' ? `${file} > ${group.fullName}` : file
        for (const error of group.errors()) fail(`${name} (outside any test)`, [error])
      }
      for (const test of module.children.allTests()) {
        const name = `${file} > ${test.fullName}`
        const result = test.result()
        if (result.state === 'failed') {
          fail(name, result.errors)
        } else if (result.state === 'passed') {
          counts.passed += 1
        } else {
          counts.skipped += 1
          const reason = (result.state === 'skipped' && result.note) || 'no reason is given'
          skips.push({ test: name, reason })
        }
      }
    }
    for (const error of unhandled) {
      const { VITEST_TEST_PATH: path } = error
      const file = typeof path === 'string' ? relative(this.#root, path) : 'no file is known'
      fail(`${file} (outside any test)`, [error])
    }
    counts.failed = failures.length
    writeFileSync(
      `${this.#root}/test-counts.json`,
      `${JSON.stringify({ ...counts, skips, failures })}\n`,
    )
  }

  /** Returns the first lines of the error, and the first place in its stack that is a file of the package. */
  #beginningOf(error: SerializedError): string {
    const message = stripVTControlCharacters(error.message ?? '')
    const named = `${error.name ?? 'Error'}: ${message}`.trimEnd().split('\n')
    const lines = named.slice(0, shownLines).map((line) => line.slice(0, shownColumns))
    const place = error.stacks?.find(({ file }) => file.startsWith(this.#root))
    if (place) lines.push(`at ${relative(this.#root, place.file)}:${place.line}`)
    return lines.join('\n')
  }
}
