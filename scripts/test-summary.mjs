// The end of `npm test`: the skipped tests, the failed tests and the total of all packages.

/** Adds up what the tests of each package came to, and the exit codes of the type check of the root and of turbo. */
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
  // A build, a typecheck or a test run that failed without counting a failed test is one.
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
