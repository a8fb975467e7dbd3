import { spawnSync } from 'node:child_process'
import { createTask, DeadlockError, gather, sleepForever } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test, vi } from 'vitest'

/** Runs a `main` that hangs. Returns the error that `runVirtual` throws, and everything that was printed. */
async function hang(main: () => Promise<unknown>): Promise<{ error: unknown; printed: string }> {
  const calls = (['error', 'warn', 'log'] as const).map((method) =>
    vi.spyOn(console, method).mockImplementation(() => {}),
  )
  const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  const error = await runVirtual(main).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  const printed = [...calls, warnings, stderr].flatMap((spy) => spy.mock.calls.flat()).join('\n')
  vi.restoreAllMocks()
  return { error, printed }
}

const mains: Record<string, () => Promise<unknown>> = {
  'one wait': () => sleepForever(),
  'a gather of tasks that wait': () => gather([1, 2, 3].map(() => createTask(sleepForever))),
  'tasks beside main that wait too': async () => {
    const tasks = [1, 2, 3].map(() => createTask(sleepForever))
    await sleepForever()
    return tasks
  },
  'a main that swallows the cancel and waits again': async () => {
    for (let i = 0; i < 3; i++) await sleepForever().catch(() => {})
    await sleepForever()
  },
  'a main whose clean-up hangs': async () => {
    try {
      await sleepForever()
    } finally {
      await sleepForever()
    }
  },
}

test.each(Object.entries(mains))(
  'runVirtual throws one DeadlockError for a hang and prints nothing: %s',
  async (_, main) => {
    const { error, printed } = await hang(main)
    expect(error).toBeInstanceOf(DeadlockError)
    expect((error as Error).cause).toBe(undefined)
    expect((error as Error).message.match(/nothing is left/g)).toHaveLength(1)
    expect(printed).not.toMatch(/nothing is left|DeadlockError/)
  },
)

test('a main that answers the hang with its own error makes this error the cause of the DeadlockError', async () => {
  const cause = new Error('the clean-up has failed')
  const { error, printed } = await hang(async () => {
    try {
      await sleepForever()
    } finally {
      // oxlint-disable-next-line no-unsafe-finally -- the test needs a clean-up that fails
      throw cause
    }
  })
  expect(error).toBeInstanceOf(DeadlockError)
  expect((error as Error).cause).toBe(cause)
  expect(printed).toBe('')
})

test('a task whose clean-up hangs after main has hung is printed once, beside the error for main', async () => {
  const { error, printed } = await hang(async () => {
    createTask(async () => {
      try {
        await sleepForever()
      } finally {
        await sleepForever()
      }
    })
    await sleepForever()
  })
  expect(String(error).match(/nothing is left/g)).toHaveLength(1)
  expect(printed.match(/nothing is left/g)).toHaveLength(1)
  expect(printed).toContain('wake what the main task left behind')
})

test('two runs that hang each throw their own DeadlockError and print nothing', async () => {
  const first = await hang(sleepForever)
  const second = await hang(sleepForever)
  expect(first.error).not.toBe(second.error)
  expect([first.printed, second.printed]).toEqual(['', ''])
})

test(
  'a program that does not catch a DeadlockError prints it once and exits with 1',
  { tags: ['slow'] },
  () => {
    const program = `
    import { createTask, Future, run } from '@tasktree/core'
    await run(async () => {
      createTask(async () => new Future())
      await new Future()
    })`
    const args = ['--conditions=@tasktree/source', '--input-type=module', '--eval', program]
    const { status, stderr } = spawnSync(process.execPath, args, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      timeout: 30_000,
    })
    expect(stderr.match(/nothing is left that could wake/g)).toHaveLength(1)
    expect(status).toBe(1)
  },
)
