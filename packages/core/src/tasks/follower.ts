import type { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import type { Task } from './task.ts'

/** Ends a task with a future, for a body that is nothing but one: no promise is needed in between. */
class Follower<T> implements Reaction {
  readonly scopeTask: Task<T>

  constructor(task: Task<T>) {
    this.scopeTask = task
  }

  run(): void {
    const task = this.scopeTask
    const future = task.endWait(this) as Future<T>
    const cancel = task.resume(future)
    if (cancel === null) end(task, future)
    else task.crash(cancel)
  }

  label(): string {
    return `resume ${this.scopeTask.name}`
  }
}

/** `task` waits for `future` and takes over its outcome. */
export function follow<T>(task: Task<T>, future: Future<T>): void {
  if (future.done()) {
    end(task, future)
    return
  }
  const follower = new Follower(task)
  task.driveBy(follower)
  task.suspend(follower, future === (task as unknown) ? task.refuseOwnTask() : future)
}

function end<T>(task: Task<T>, future: Future<T>): void {
  future.settle(
    (value) => task.finish(value),
    (error) => task.crash(error),
  )
}
