import { createTask, getRunningLoop, run, sleep } from '@tasktree/core'
import { map, retry } from '@tasktree/flow'
import { expect, test } from 'vitest'

/** Acts like the retry function of another library: it tries again after every error, even after a cancel. */
async function tryThrice<T>(fn: () => Promise<T>): Promise<T | undefined> {
  for (let attempt = 1; attempt <= 3; attempt++) {
    try {
      return await fn()
    } catch {
      // The loop tries again.
    }
  }
  return undefined
}

const works = {
  map: { work: () => map([1, 2], (ms) => sleep(ms * 10_000)), place: 'debug.test' },
  // The program returns the promise without an `await`, so the report cannot name a line of the program.
  retry: { work: () => retry(() => sleep(10_000)), place: 'retry' },
}

for (const [name, { work, place }] of Object.entries(works)) {
  test(`debug mode reports code that catches the cancel of ${name} and tries again`, async () => {
    const reports: string[] = []
    await run(
      async () => {
        getRunningLoop().setExceptionHandler((_, { message }) => void reports.push(message))
        let attempts = 0
        const task = createTask(
          () =>
            tryThrice<unknown>(async () => {
              attempts++
              return attempts === 1 ? work() : 'as if nothing had been'
            }),
          { name: 'stubborn' },
        )
        await sleep(1)
        task.cancel()
        expect(await task).toBe('as if nothing had been')
      },
      { debug: true },
    )
    expect(reports).toEqual([
      expect.stringMatching(
        String.raw`^stubborn was cancelled and has returned a value: .* the await at .*${place}\.ts:\d+ threw`,
      ),
    ])
  })
}
