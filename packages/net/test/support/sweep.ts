import { createTask, type Task, wait } from '@tasktree/core'
import { expect } from 'vitest'

/** The numbers of microtasks after a turn of the loop at which tests cancel. */
export const microtasks: readonly number[] = [0, 1, 2, 4, 8]

/**
 * Cancels `task` after `turns` turns of the loop and `ticks` microtasks. The cancel comes from code outside of every task, because
 * a task that counts microtasks would hold up the loop.
 */
export function cancelAfter(task: Task, turns: number, ticks: number): void {
  const cancel = (left: number): void => {
    if (left === 0) task.cancel()
    else queueMicrotask(() => cancel(left - 1))
  }
  const turn = (left: number): void => {
    if (left === 0) cancel(ticks)
    else setImmediate(() => turn(left - 1))
  }
  turn(turns)
}

/**
 * Runs `operation` many times, and cancels it a little later each time, until it has ended before the cancel several times in a
 * row. Returns how often it was cancelled.
 */
export async function sweep<T>(
  operation: () => Promise<T>,
  after: (result: T | null) => Promise<void>,
  prepare: () => Promise<void> = async () => {},
): Promise<number> {
  let cancelled = 0
  let finished = 0
  for (let turns = 0; finished < 2 && turns < 2000; turns++) {
    let all = true
    for (const ticks of microtasks) {
      await prepare()
      const task = createTask(operation)
      cancelAfter(task, turns, ticks)
      await wait([task])
      if (task.cancelled()) {
        cancelled++
        all = false
        await after(null)
      } else await after(task.result())
    }
    finished = all ? finished + 1 : 0
  }
  expect(finished).toBe(2)
  return cancelled
}
