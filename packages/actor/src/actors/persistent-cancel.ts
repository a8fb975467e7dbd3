import type { Task } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'

/** The number of cancels without a pause between them. */
const cancelsAtOnce = 3
/** Half of the length of the first pause, in milliseconds. Each later pause is twice as long as the previous pause. */
const firstPause = 10
/** The task is not cancelled again after this number of cancels. */
const mostCancels = 12

/**
 * Cancels a task. Each time the code of the task catches the cancel and waits again, the task is cancelled again, as in
 * Trio. The first cancels follow each other at once. Then the pauses between the cancels grow, and after `mostCancels`
 * cancels the task is cancelled no more. Otherwise code that catches every cancel in a loop would keep the thread busy
 * until its deadline.
 */
export class PersistentCancel {
  readonly #task: Task
  readonly #isOver: () => boolean
  #cancels = 0

  constructor(task: Task, isOver: () => boolean) {
    this.#task = task
    this.#isOver = isOver
    this.#cancel()
  }

  #cancel(): void {
    if (this.#task.done() || this.#isOver() || this.#cancels >= mostCancels) return
    this.#cancels++
    const waits = [...this.#task.waitingOn]
    this.#task.cancel('shutdown')
    const [first] = waits
    if (first === undefined || !first.done()) return
    if (this.#cancels <= cancelsAtOnce) {
      // The task is cancelled again only after it has continued and has begun another wait.
      observe(first, () => this.#task.getLoop().callSoon(() => this.#cancel()))
    } else {
      const pause = firstPause * 2 ** (this.#cancels - cancelsAtOnce)
      this.#task.getLoop().callLater(pause, () => this.#cancel())
    }
  }
}
