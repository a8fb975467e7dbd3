import type { Task } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'

/** How often a task that swallows its cancel is cancelled again at once; after that with growing pauses. */
const atOnce = 3
const firstPause = 10
const presses = 12

/**
 * A cancel that does not let go: code that swallows it is cancelled again at its next await, as in Trio. It
 * slows down, and gives up in the end, so that code which waits in a loop whatever comes is left to its deadline.
 */
export class PersistentCancel {
  readonly #task: Task
  readonly #isOver: () => boolean
  #presses = 0

  constructor(task: Task, isOver: () => boolean) {
    this.#task = task
    this.#isOver = isOver
    this.#press()
  }

  #press(): void {
    if (this.#task.done() || this.#isOver() || this.#presses >= presses) return
    this.#presses++
    const waits = [...this.#task.waitingOn]
    this.#task.cancel('shutdown')
    const [first] = waits
    if (first === undefined || !first.done()) return
    if (this.#presses <= atOnce) {
      // Behind the task's own turn.
      observe(first, () => this.#task.getLoop().callSoon(() => this.#press()))
    } else {
      const pause = firstPause * 2 ** (this.#presses - atOnce)
      this.#task.getLoop().callLater(pause, () => this.#press())
    }
  }
}
