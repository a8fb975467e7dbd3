import type { Task } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'

/** After each of the first `cancelsAtOnce` cancels of a task, the next cancel follows without a pause. */
const cancelsAtOnce = 3
/** The first pause between two cancels, in milliseconds. Each later pause is twice as long as the previous pause. */
const firstPause = 20
/** After this many cancels, the task is not cancelled again. */
const mostCancels = 12

/**
 * Cancels a task again each time its code has caught the cancel and begins another wait, until `isOver` returns true.
 * (In Trio, a cancelled scope does the same.) The first cancels follow each other without a pause. Then the pauses
 * grow, and after `mostCancels` cancels the task is not cancelled again. Otherwise code that catches every cancel in a
 * loop would keep the thread busy until the actor is killed.
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
      const pause = firstPause * 2 ** (this.#cancels - cancelsAtOnce - 1)
      this.#task.getLoop().callLater(pause, () => this.#cancel())
    }
  }
}
