import type { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import type { Execution } from './execution.ts'

/**
 * Ends a task with the outcome of a future. If the body of a task is a function that returns a future, the loop calls
 * the Follower when this future has ended. An `await` of the future would do the same, but would make a native promise
 * for each such task.
 */
class Follower implements Reaction {
  readonly waitingFrame: Execution

  constructor(execution: Execution) {
    this.waitingFrame = execution
  }

  run(): void {
    const execution = this.waitingFrame
    const key = execution.keyOf(this)
    const future = execution.endWait(this)
    const cancel = execution.resume(key, future)
    if (cancel === null) end(execution, future)
    else execution.crash(cancel)
  }

  label(): string {
    return `resume ${this.waitingFrame.task.name}`
  }
}

/** Makes the task of `execution` wait for `future`, and end with the outcome of `future`. */
export function follow(execution: Execution, future: Future<unknown>): void {
  if (future.done()) {
    end(execution, future)
    return
  }
  const follower = new Follower(execution)
  execution.driveBy(follower)
  execution.suspend(follower, future === execution.task ? future.refuseOwnTask() : future)
}

function end(execution: Execution, future: Future<unknown>): void {
  future.settle(
    (value) => execution.finish(value),
    (error) => execution.crash(error),
  )
}
