// Every program of the site prints what the page says that it prints.
import { map } from '@tasktree/flow'
import { beforeAll, expect, test } from 'vitest'
import { outputInTime, outputOf } from '../../vitest.programs.ts'
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

// Two at the same time: a program mostly starts Node, and then waits.
beforeAll(async () => {
  await map(
    programs,
    async (shown) => outputs.set(shown, await outputInTime(shown.output, () => runOnce(shown))),
    {
      concurrency: 2,
    },
  )
}, 600_000)

test.each(programs.map((shown) => [shown.name, shown] as const))(
  'the program %s prints the output that its page shows',
  (_, shown) => {
    expect(outputs.get(shown)).toBe(shown.output)
  },
)
