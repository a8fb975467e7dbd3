/** The test results of one package, as `vitest.reporter.ts` writes them. */
export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly skips: readonly { readonly test: string; readonly reason: string }[]
  readonly failures: readonly { readonly test: string; readonly errors: readonly string[] }[]
}
export interface TestSummary {
  readonly failed: number
  /** The text that `npm test` prints at its end. */
  readonly text: string
}
export declare function summarize(
  packages: readonly { readonly folder: string; readonly counts: TestCounts }[],
  exitCodes: { readonly tsc: number; readonly turbo: number },
): TestSummary
