// Tests which cancels of its owner end a process, and which cancels end only a wait for the process.
import {
  cancelScope,
  createTask,
  currentTask,
  getRunningLoop,
  isCancelled,
  moveOnAfter,
  run as runLoop,
  shielded,
  sleep,
  sleepForever,
  timeout,
} from '@tasktree/core'
import { createSubprocessExec, DEVNULL, type Process, TimeoutExpired } from '@tasktree/subprocess'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'

const sleeper = (): Promise<Process> => createSubprocessExec('sleep', ['60'], { stdin: DEVNULL })
/** Waits in a scope to which the process does not belong, and expects that the timeout of the scope ends only the wait. */
const expectAlive = async (process: Process): Promise<void> => {
  await expect(timeout(5, () => process.wait())).rejects.toMatchObject({ name: 'TimeoutError' })
  await sleep(20)
  expect(process.returncode).toBeNull()
}

test('a cancel that the owner of a process has taken back does not end the process at a later wait', () =>
  runLoop(async () => {
    const owner = createTask(async () => {
      await using process = await sleeper()
      await sleepForever().catch(() => currentTask()?.uncancel())
      await expectAlive(process)
    })
    await sleep(5)
    owner.cancel()
    await owner
  }))

test('a process started in a cancelled scope that has ended is not ended by a later wait', () =>
  runLoop(async () => {
    const started: Process[] = []
    await cancelScope(async (scope) => {
      started.push(await sleeper())
      scope.cancel()
      await sleepForever()
    })
    await moveOnAfter(null, async (scope) => {
      started.push(await sleeper())
      scope.deadline = getRunningLoop().time() + 5
      await sleepForever()
    })
    for (const process of started) {
      await expectAlive(process)
      process.kill()
      await process.wait()
    }
  }))

test('a process started in a scope that has ended by its timeout is not ended by a later wait', () =>
  runLoop(async () => {
    const started: Process[] = []
    const late = timeout(null, async (scope) => {
      started.push(await sleeper())
      scope.reschedule(getRunningLoop().time() + 5)
      await sleepForever()
    })
    await expect(late).rejects.toMatchObject({ name: 'TimeoutError' })
    for (const process of started) {
      await expectAlive(process)
      process.kill()
      await process.wait()
    }
  }))

test('in a shield, the timeout and the signal of wait or communicate do not end the process', () =>
  runLoop(async () => {
    const owner = createTask(async () => {
      await using process = await sleeper()
      await shielded(async () => {
        const late = process.wait({ timeout: 5 })
        await expect(late).rejects.toMatchObject({ name: 'TimeoutExpired' })
        const aborted = process.communicate(undefined, { signal: AbortSignal.timeout(5) })
        await expect(aborted).rejects.toSatisfy(isCancelled)
        await sleep(20)
        expect(process.returncode).toBeNull()
      })
      await process.wait().finally(() => {
        // By now the cancel of the owner has ended the process.
        expect(process.returncode).toBe(-15)
      })
    })
    await sleep(1)
    owner.cancel()
    await expect(owner).rejects.toSatisfy(isCancelled)
  }))

test.each([
  ['the owner', (wait: () => Promise<number>) => wait()],
  ['the owner, in a later scope', (wait: () => Promise<number>) => timeout(60_000, wait)],
  [
    'the owner, in a branch',
    (wait: () => Promise<number>) =>
      Promise.all([wait(), Promise.resolve()]).then(([code]) => code),
  ],
])('a cancel of %s ends the process', (_, around) =>
  runLoop(async () => {
    let returncode: number | null = null
    const owner = createTask(async () => {
      const process = await sleeper()
      await around(() => process.wait()).finally(() => {
        returncode = process.returncode
      })
    })
    await sleep(20)
    owner.cancel()
    await expect(owner).rejects.toSatisfy(isCancelled)
    expect(returncode).toBe(-15)
  }),
)

test('the timeout of the scope in which a process was started ends the process', () =>
  runLoop(async () => {
    const started: Process[] = []
    const late = timeout(20, async () => {
      const process = await sleeper()
      started.push(process)
      await timeout(60_000, () => process.wait())
    })
    await expect(late).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(started[0]?.returncode).toBe(-15)
  }))

test.each(['owner', 'other'])(
  'a cancel of a task in the turn in which the timeout of its wait passes is not lost: task of the %s',
  (which) =>
    runLoop(async () => {
      await using process = await sleeper()
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      try {
        const task = createTask(async () => {
          const child = which === 'owner' ? await sleeper() : process
          for (;;) {
            await child.wait({ timeout: 5 }).catch((error: unknown) => {
              if (!(error instanceof TimeoutExpired)) throw error
            })
          }
        })
        for (let i = 0; i < 3; i++) await nextTurn()
        vi.advanceTimersByTime(5)
        task.cancel()
        vi.useRealTimers()
        await expect(task).rejects.toSatisfy(isCancelled)
      } finally {
        vi.useRealTimers()
      }
    }),
)
