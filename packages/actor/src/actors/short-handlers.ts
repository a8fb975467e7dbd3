import { TaskTurn } from '@tasktree/core/lowlevel'
import type { ActorIncarnation } from './actor-incarnation.ts'

/**
 * Handles messages of an actor while the task of the actor goes on waiting for work. This class is used for messages
 * whose handlers return no promise.
 *
 * The problem: to resume the task, and to let it wait again after the handler, takes about 0.3 microseconds. A short
 * handler and its message take about 0.1 microseconds.
 *
 * The idea: `turn` handles such messages in a turn of the event loop, as code of the task, but without resuming the
 * task. The task is resumed for all other work: a handler that is known to return promises, a promise that a handler
 * has returned, a request of `sys`, or a reason to end.
 */
export class ShortHandlers {
  readonly #incarnation: ActorIncarnation
  /**
   * An entry for the ready queue of the event loop. When the event loop comes to this entry, it calls `#handleMessages`
   * as code of the actor's task, although the task still waits. This saves the time that it takes to resume the task.
   */
  readonly turn: TaskTurn
  /**
   * A promise that fulfils at the end of the burst (a limited number of messages, handled one after the other) that
   * `turn` has begun. Set when a handler of the burst has returned a promise: `turn` cannot wait, so the task of the
   * actor must await the end of the burst. Otherwise null.
   */
  #burst: Promise<void> | null = null

  /**
   * Must be called by code of the actor's task: `turn` remembers the task in which it was made, and later calls
   * `#handleMessages` as code of that task.
   */
  constructor(incarnation: ActorIncarnation) {
    this.#incarnation = incarnation
    this.turn = new TaskTurn(() => this.#handleMessages())
  }

  /**
   * Whether `turn` has begun a burst (a limited number of messages, handled one after the other) in which a handler has
   * returned a promise. The task of the actor must then call `takeBurst`, after which this value is false again.
   */
  get hasBurst(): boolean {
    return this.#burst !== null
  }

  /**
   * Returns the promise that fulfils at the end of the burst (a limited number of messages, handled one after the
   * other) that `turn` has begun. The caller, which is code of the actor's task, must await this promise, because this
   * object does not keep the promise after the call. Returns null when no handler has returned a promise.
   */
  takeBurst(): Promise<void> | null {
    const burst = this.#burst
    this.#burst = null
    return burst
  }

  /**
   * Whether the next work is a message whose handler is expected to return no promise, because it returned none for the
   * previous message of the same name.
   */
  canHandleNext(): boolean {
    const incarnation = this.#incarnation
    return (
      incarnation.endReason === null &&
      !incarnation.hasRequests &&
      incarnation.messageLoop.isNextPlain()
    )
  }

  /**
   * Called by `turn`. Handles messages, but leaves a message in the mailbox if its handler is expected to return a
   * promise. Resumes the task of the actor if work is left that only the task can do: such a message, a promise that a
   * handler has returned, a request of `sys`, or a reason to end. Returns true if a handler has returned a promise,
   * because `turn` must know that code of the handler may still run. Otherwise returns false.
   */
  #handleMessages(): boolean {
    const incarnation = this.#incarnation
    // If the task has been resumed, the task itself handles the messages, and nothing is done here.
    if (!incarnation.isWaiting) return false
    if (incarnation.endReason === null) {
      this.#burst = incarnation.messageLoop.runBurst(true)
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
