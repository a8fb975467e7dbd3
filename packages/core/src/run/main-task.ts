import { DeadlockError, isCancelled, KeyboardInterrupt } from '../errors/errors.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Interruptible } from '../loop/process-events.ts'
import { explainKnot } from '../snapshot/knot.ts'
import type { Task } from '../tasks/task.ts'
import { formatTaskTree } from '../tasks/task-tree.ts'

/** The main task of a run, as signals and the end of the process see it. */
export class MainTask implements Interruptible {
  readonly #task: Task
  #signal: NodeJS.Signals | null = null
  deadlock: DeadlockError | null = null

  constructor(task: Task) {
    this.#task = task
  }

  /** False when it was interrupted before: the second signal is for the process. */
  interrupt(signal: NodeJS.Signals): boolean {
    if (this.#signal !== null || this.#task.done()) return false
    this.#signal = signal
    this.#task.ownExecution().cancelFromProcess()
    return true
  }

  deadlocked(): void {
    const loop = this.#task.getLoop()
    if (this.deadlock !== null) {
      // It swallowed the cancel and waits again, for ever.
      loop.stop()
      return
    }
    this.deadlock = new DeadlockError(
      `nothing is left that could wake the main task:\n${formatTaskTree({ loop })}\n${explainKnot([this.#task])}`,
    )
    this.#task.cancel()
  }

  /** What `run` throws for what the task threw. */
  explain(error: unknown): unknown {
    if (this.deadlock !== null) return this.deadlock
    if (isCancelled(error) && this.#signal !== null && this.#task.uncancel() === 0) {
      return new KeyboardInterrupt(this.#signal)
    }
    return error
  }
}

/** The end of a run, when only the clean-up of cancelled tasks is left to wait for. */
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
      `nothing is left that could wake what the main task left behind:\n${formatTaskTree({ loop: this.#loop })}\n${explainKnot(this.#loop.liveTasks())}`,
    )
    this.#loop.stop()
  }
}
