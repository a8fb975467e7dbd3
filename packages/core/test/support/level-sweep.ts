import {
  allTasks,
  type CancelScope,
  cancelScope,
  createTask,
  currentTask,
  getRunningLoop,
  sleep,
  type Task,
} from '@tasktree/core'
import { expect } from 'vitest'

/** An operation for `sweepLevelCancel`, which runs it many times and cancels it one turn later each time. */
export interface Swept<T> {
  /** Makes what the operation needs, outside of the scope. */
  prepare?: () => T | PromiseLike<T>
  /** Runs inside the scope that is cancelled. */
  operate: (given: T) => PromiseLike<unknown>
  /** Checks after the scope that nothing is left, and disposes of what `prepare` has made. */
  after?: (given: T, wasCancelled: boolean) => unknown
  /** How many milliseconds the clean-up may take; 0 by default, since virtual time stands still while code runs. */
  grace?: number
  /** How many milliseconds tasks outside of the scope may go on, such as the tasks of a server; 0 by default. */
  settle?: number
  /** How many turns of the loop the clean-up may take. Code that spins takes thousands. */
  turns?: number
  /** The largest number of moments to try, 60 by default. It limits an operation that does not end by itself. */
  moments?: number
  /** Waits for the next moment, by its number; a turn of the loop by default. */
  moment?: (i: number) => PromiseLike<void>
}

const mostMoments = 60

/**
 * Cancels a scope around the operation before it begins, then after one turn of the loop, after two, and so on, until the
 * operation ends before the cancel. Each time the scope must end within few turns and within the grace, and no task may be
 * left. Returns how often the operation was cancelled.
 */
export async function sweepLevelCancel<T = undefined>(swept: Swept<T>): Promise<number> {
  const { operate, prepare, after, moment = () => sleep(0) } = swept
  const { grace = 0, settle = 0, turns = 300 } = swept
  const most = swept.moments ?? mostMoments
  let cancels = 0
  for (let n = 0; n < most; n++) {
    const given = (await prepare?.()) as T
    const before = new Set(allTasks())
    const loop = getRunningLoop()
    let struck: { turn: number; time: number } | null = null
    const strike = (scope: CancelScope): void => {
      struck = { turn: loop.turns, time: loop.time() }
      scope.cancel(`after ${n} turns`)
    }
    let opened!: CancelScope
    const ended = cancelScope(async (scope) => {
      opened = scope
      if (n === 0) strike(scope)
      await operate(given)
    })
    const striking = createTask(async () => {
      for (let i = 0; i < n; i++) await moment(i)
      strike(opened)
    })
    if (n === 0) striking.cancel()
    const { cancelled } = await ended
    striking.cancel()
    const end = { turn: loop.turns, time: loop.time() }
    await sleep(0)
    if (struck !== null) {
      const { turn, time }: { turn: number; time: number } = struck
      const what = `cancelled after ${n} turns`
      expect(end.turn - turn, `turns of the clean-up, ${what}`).toBeLessThan(turns)
      expect(end.time - time, `milliseconds of the clean-up, ${what}`).toBeLessThanOrEqual(grace)
    }
    const listLeft = (): Task[] =>
      [...allTasks()].filter((task) => task !== striking && isOfOperation(task, before))
    let left = listLeft()
    for (let i = 0; i < settle && left.length > 0; i++) {
      await sleep(1)
      left = listLeft()
    }
    expect(
      left.map(({ name }) => name),
      `tasks that are left, cancelled after ${n} turns`,
    ).toEqual([])
    await after?.(given, cancelled)
    if (cancelled) cancels++
    else if (struck === null) break
  }
  return cancels
}

/** Whether the operation has made `task` or an ancestor of it. A task whose ancestor is in `before` does not count. */
function isOfOperation(task: Task, before: ReadonlySet<Task>): boolean {
  let each: Task | null = task
  while (each !== null && !before.has(each)) each = each.parent
  return task !== each && (each === null || each === currentTask())
}
