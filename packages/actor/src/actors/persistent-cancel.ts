import type { Task, TimerHandle } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'

/** After each of the first `cancelsAtOnce` cancels of a task, the next cancel may follow without a pause. */
const cancelsAtOnce = 3
/** The first pause between two cancels, in milliseconds. Each later pause is twice as long as the previous pause. */
const firstPause = 20
/** After this many cancels, the task is not cancelled again. */
const mostCancels = 12

/**
 * Cancels a task, and cancels it again each time its code has caught the cancel and begins another wait, until `isOver`
 * returns true. (In Trio, a cancelled scope does the same.) The first cancels follow each other without a pause, if each
 * of them ends a wait. Otherwise, for example while the code awaits a native promise, there is a pause before the next
 * cancel. The pauses grow, and after `mostCancels` cancels the task is not cancelled again. Without this limit, code that
 * catches every cancel in a loop would keep the thread busy until the actor is killed.
 */
export class PersistentCancel {
  readonly #task: Task
  readonly #isOver: () => boolean
  #cancels = 0
  #pause = firstPause
  #timer: TimerHandle | null = null

  constructor(task: Task, isOver: () => boolean) {
    this.#task = task
    this.#isOver = isOver
    this.#cancel()
  }

  #cancel(): void {
    this.#timer = null
    if (this.#task.done() || this.#isOver() || this.#cancels >= mostCancels) return
    this.#cancels++
    const [first] = [...this.#task.waitingOn]
    this.#task.cancel('shutdown')
    if (first?.done() === true && this.#cancels <= cancelsAtOnce) {
      // The task is cancelled again only after it has continued and has begun another wait.
      observe(first, () => this.#task.getLoop().callSoon(() => this.#cancel()))
    } else this.#cancelLater()
  }

  #cancelLater(): void {
    if (this.#pause === firstPause) observe(this.#task, () => this.#timer?.cancel())
    this.#timer = this.#task.getLoop().callLater(this.#pause, () => this.#cancel())
    this.#pause *= 2
  }
}
