import { DeadlockError, isCancelled, KeyboardInterrupt } from '../errors/errors.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Interruptible } from '../loop/process-events.ts'
import { explainDeadlock } from '../snapshot/explain-deadlock.ts'
import type { Task } from '../tasks/task.ts'
import { formatTaskTree } from '../tasks/task-tree.ts'

/**
 * The main task of a run. The listeners for process events call this object when a signal comes, and when the process
 * is about to exit although the main task still waits (a deadlock).
 */
export class MainTask implements Interruptible {
  readonly #task: Task
  #signal: NodeJS.Signals | null = null
  deadlock: DeadlockError | null = null

  constructor(task: Task) {
    this.#task = task
  }

  /**
   * Cancels the main task because of `signal`. Returns false if an earlier signal has cancelled the task, or if the
   * task is done; the process then exits.
   */
  interrupt(signal: NodeJS.Signals): boolean {
    if (this.#signal !== null || this.#task.done()) return false
    this.#signal = signal
    this.#task.ownExecution().cancelFromProcess()
    return true
  }

  deadlocked(): void {
    const loop = this.#task.getLoop()
    if (this.deadlock !== null) {
      // The first deadlock has cancelled the main task. The task has swallowed this cancel, and now waits for ever
      // again. So the run stops.
      loop.stop()
      return
    }
    this.deadlock = new DeadlockError(
      `nothing is left that could wake the main task:\n${formatTaskTree({ loop })}\n${explainDeadlock([this.#task])}`,
    )
    this.#task.cancel()
  }

  /**
   * Returns the error that `run` throws when the main task has thrown `error`: DeadlockError after a deadlock,
   * KeyboardInterrupt after a signal, or else `error` itself.
   */
  explain(error: unknown): unknown {
    if (this.deadlock !== null) return this.deadlock
    if (isCancelled(error) && this.#signal !== null && this.#task.uncancel() === 0) {
      return new KeyboardInterrupt(this.#signal)
    }
    return error
  }
}

/**
 * Takes the role of the main task for process events while a run ends. The main task has ended, and the run waits only
 * for the clean-up of the other tasks, which are cancelled.
 */
export class Cleanup implements Interruptible {
  readonly #loop: EventLoop
  deadlock: DeadlockError | null = null

  constructor(loop: EventLoop) {
    this.#loop = loop
  }

  interrupt(): boolean {
    return false
  }

  deadlocked(): void {
    this.deadlock ??= new DeadlockError(
      `nothing is left that could wake what the main task left behind:\n${formatTaskTree({ loop: this.#loop })}\n${explainDeadlock(this.#loop.liveTasks())}`,
    )
    this.#loop.stop()
  }
}
