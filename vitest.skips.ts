import { test, type TestAPI } from 'vitest'

/** `test` for what needs something that a machine may lack. Without it the tests are skipped, and `reason` is reported. */
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
