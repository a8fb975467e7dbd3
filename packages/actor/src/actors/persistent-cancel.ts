import type { Task } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'

/** How many cancels are sent without a pause between them, while the task catches each cancel and goes on. Later pauses grow. */
const atOnce = 3
const firstPause = 10
const presses = 12

/**
 * Cancels a task again each time its code swallows the cancel and waits again, as Trio does. After the first few times
 * there are growing pauses between the cancels, and after `presses` cancels there are no more. Otherwise code that
 * swallows every cancel in a loop would keep the thread busy until its deadline.
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
      // Cancels again only after the task itself has continued and waits for something else.
      observe(first, () => this.#task.getLoop().callSoon(() => this.#press()))
    } else {
      const pause = firstPause * 2 ** (this.#presses - atOnce)
      this.#task.getLoop().callLater(pause, () => this.#press())
    }
  }
}
