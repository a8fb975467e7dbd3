import type { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import type { Execution } from './execution.ts'

/**
 * An object that the loop calls when a future has ended: it then ends a task with the outcome of that future. It is
 * used for a task whose body is a function that returns a future, because an `await` of this future would make a
 * promise.
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
