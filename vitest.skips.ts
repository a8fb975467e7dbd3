import { test, type TestAPI } from 'vitest'

/**
 * Returns a `test` function for tests that need something that a machine may lack. If `isThere` is false, these tests are
 * skipped, and the report shows `reason`.
 */
export function testWhere(isThere: boolean, reason: string): TestAPI<{ needed: void }> {
  return test.extend<{ needed: void }>({
    needed: [
      async ({ skip }, use) => {
        skip(!isThere, reason)
        await use()
      },
      { auto: true },
    ],
  })
}
