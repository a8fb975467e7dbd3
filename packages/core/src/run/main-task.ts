import { DeadlockError, isCancelled, KeyboardInterrupt } from '../errors/errors.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Waiting } from './before-exit.ts'
import type { Interruptible } from './interrupt-signals.ts'
import { explainDeadlock } from '../snapshot/explain-deadlock.ts'
import type { Task } from '../tasks/task.ts'

/**
 * The main task of a call of `run`. A listener of the process calls `interrupt` when a signal comes. `deadlocked` is
 * called when nothing can happen any more although the main task still waits.
 */
export class MainTask implements Interruptible, Waiting {
  readonly #task: Task
  #signal: NodeJS.Signals | null = null
  deadlock: DeadlockError | null = null
  /** Whether a second deadlock was found: the task still waits for ever, although the first has cancelled it. */
  isGivenUp = false

  constructor(task: Task) {
    this.#task = task
  }

  /**
   * Cancels the main task because of `signal`. Returns false if an earlier signal has cancelled the task, or if the
   * task is done: then the caller ends the process.
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
      this.isGivenUp = true
      loop.stop()
      return
    }
    this.deadlock = new DeadlockError(explainDeadlock('the main task', [this.#task], loop))
    this.#task.cancel()
  }

  /**
   * Returns the error that `run` throws when the main task has thrown `error`: a DeadlockError if a deadlock was found,
   * with `error` as its cause unless `error` only says that the main task was cancelled or given up; a
   * KeyboardInterrupt if `error` is a CancelledError, and only a signal of the process (SIGINT or SIGTERM) has cancelled
   * the main task; otherwise `error` itself.
   */
  explain(error: unknown): unknown {
    const { deadlock } = this
    if (deadlock !== null) {
      if (error === deadlock || this.isGivenUp || isCancelled(error)) return deadlock
      return new DeadlockError(deadlock.message, { cause: error })
    }
    if (isCancelled(error) && this.#signal !== null && this.#task.uncancel() === 0) {
      return new KeyboardInterrupt(this.#signal)
    }
    return error
  }
}

/**
 * A wait of the clean-up of a run: for the tasks that the run has cancelled, or for a shutdown hook. If nothing is left
 * that could end this wait, `deadlocked` is called: it stops the loop, so that the run ends.
 */
export class Cleanup implements Waiting {
  readonly #loop: EventLoop
  readonly #waiting: string
  deadlock: DeadlockError | null = null

  /** `waiting` says in the message of the DeadlockError what waits for ever. */
  constructor(loop: EventLoop, waiting: string) {
    this.#loop = loop
    this.#waiting = waiting
  }

  deadlocked(): void {
    const loop = this.#loop
    this.deadlock ??= new DeadlockError(explainDeadlock(this.#waiting, loop.tasks.list(), loop))
    loop.stop()
  }
}
