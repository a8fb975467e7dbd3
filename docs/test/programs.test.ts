// Every program of the site prints what the page says that it prints.
import { map } from '@tasktree/flow'
import { beforeAll, expect, test } from 'vitest'
import { outputOf } from '../../vitest.programs.ts'
import { type PageProgram, programs } from './support/pages.ts'

const outputs = new Map<PageProgram, string>()

/** What a program prints, or why it does not run: a failure belongs to the test of its program. */
async function runOnce({ program, folder, exitCode }: PageProgram): Promise<string> {
  try {
    return await outputOf(program, folder, { built: true, exitCode })
  } catch (error) {
    return String(error)
  }
}

/**
 * The programs are those of a reader, who waits for tens of milliseconds in real time. A machine that stalls for longer makes
 * some of them print something else, so each may try three times. A wrong program prints the wrong thing each time.
 */
async function runShown(shown: PageProgram): Promise<string> {
  let output = await runOnce(shown)
  for (let attempt = 2; attempt <= 3 && output !== shown.output; attempt++) {
    output = await runOnce(shown)
  }
  return output
}

// Two at the same time: a program mostly starts Node, and then waits.
beforeAll(async () => {
  await map(programs, async (shown) => outputs.set(shown, await runShown(shown)), {
    concurrency: 2,
  })
}, 600_000)

test.each(programs.map((shown) => [shown.name, shown] as const))('%s', (_, shown) => {
  expect(outputs.get(shown)).toBe(shown.output)
})
