import { TaskTurn } from '@tasktree/core/lowlevel'
import type { ActorIncarnation } from './actor-incarnation.ts'

/**
 * Handles messages of an actor while the task of the actor goes on waiting for work. It is used for messages whose
 * handlers return no promise.
 *
 * The problem: to resume the task, and to let it wait again after the handler, costs several times as much as a short
 * handler.
 *
 * The idea: `turn` handles such messages in a turn of the event loop, as code of the task, but without resuming the
 * task. The task is resumed for all other work: a handler that is known to return promises, a promise that a handler
 * has returned, a request of `sys`, or a reason to end.
 */
export class ShortHandlers {
  readonly #incarnation: ActorIncarnation
  /** The turn of the event loop in which the messages are handled. */
  readonly turn: TaskTurn
  /**
   * The promise of a burst (a limited number of messages, handled one after the other) that `turn` has begun and the
   * task must await. Null when there is none.
   */
  #burst: Promise<void> | null = null

  /** Must be called by code of the actor's task. */
  constructor(incarnation: ActorIncarnation) {
    this.#incarnation = incarnation
    this.turn = new TaskTurn(() => this.#handleMessages())
  }

  /** Whether a burst has begun that the task must await. */
  get hasBurst(): boolean {
    return this.#burst !== null
  }

  takeBurst(): Promise<void> | null {
    const burst = this.#burst
    this.#burst = null
    return burst
  }

  /** Whether the next work is a message, and the last handler of a message of this name returned no promise. */
  canHandleNext(): boolean {
    const incarnation = this.#incarnation
    return (
      incarnation.endReason === null &&
      !incarnation.hasRequests &&
      incarnation.handlers.isNextPlain()
    )
  }

  /**
   * Handles messages up to the first message whose handler is known to return promises. Resumes the task if there is
   * anything else to do. Returns whether a handler has returned a promise, which the task must await.
   */
  #handleMessages(): boolean {
    const incarnation = this.#incarnation
    // If the task has been resumed, or will be, the task handles the messages itself.
    if (!incarnation.isWaiting) return false
    if (incarnation.endReason === null) {
      this.#burst = incarnation.handlers.runBurst(true)
      if (this.#burst === null && incarnation.endReason === null && !incarnation.isDrained()) {
        if (!incarnation.hasWork()) return false
        if (this.canHandleNext()) {
          this.turn.pushAfterIO()
          return false
        }
      }
    }
    incarnation.resume()
    return this.#burst !== null
  }
}
