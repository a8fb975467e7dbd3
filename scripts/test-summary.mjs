// Makes the text that `npm test` prints at its end: the skipped tests, the failed tests and the total of all packages.

/** Adds up the test results of all packages. A failed type check of the root folder, or a failed turbo run, counts as a failure. */
export function summarize(packages, exitCodes) {
  const total = { passed: 0, failed: 0, skipped: 0 }
  const skips = []
  const failures = []
  for (const { folder, counts } of packages) {
    for (const key of Object.keys(total)) total[key] += counts[key] ?? 0
    for (const { test, reason } of counts.skips ?? []) skips.push(`  ${folder}/${test}: ${reason}`)
    for (const { test, errors } of counts.failures ?? []) {
      failures.push(`  ${folder}/${test}`, ...errors.map((error) => error.replace(/^/gm, '    ')))
    }
  }
  if (exitCodes.tsc !== 0) {
    total.failed += 1
    failures.push('  the type check of the root folder: its errors are the first output above')
  }
  // If turbo failed although no failed test was counted, then a build, a type check or a whole test run has failed. It counts
  // as one failed test.
  if (exitCodes.turbo !== 0 && total.failed === 0) {
    total.failed = 1
    failures.push('  a build, a type check or a test run: turbo names it above')
  }

  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
  const parts = [
    ...(skips.length > 0 ? [['Skipped:', ...skips]] : []),
    ...(failures.length > 0 ? [['Failed:', ...failures]] : []),
    [`${total.passed} passed, ${total.failed} failed${skipped}`],
  ]
  return { failed: total.failed, text: parts.map((lines) => `\n${lines.join('\n')}`).join('\n') }
}
