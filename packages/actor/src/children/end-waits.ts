import { type CancelledError, currentTask, Future, type Task } from '@tasktree/core'
import { type WaitDetails, waitDetails } from '@tasktree/core/lowlevel'
import { AskCycle } from '../errors.ts'
import type { ExitReason } from '../exit-reason.ts'
import { noteWait } from '../messages/ask-cycle.ts'
import { activeFlow, type HandlerFlow } from '../messages/handler-flow.ts'
import type { ActorWait } from '../messages/wait-graph.ts'
import type { Child } from './child.ts'

/** The future of one caller that waits for the end of a child, or for the end of one incarnation (run) of a child. */
export class EndWait extends Future<ExitReason> implements ActorWait {
  readonly #child: Child
  readonly #waits: EndWaits
  readonly asker: HandlerFlow | null
  /**
   * The number of this wait. The waits of all handlers are numbered in the order in which they begin. When handlers
   * wait for each other in a circle, the wait with the highest number fails. 0 until a handler awaits this future.
   */
  waitNumber = 0

  constructor(child: Child, waits: EndWaits) {
    super({ loop: child.runtime.loop })
    this.#child = child
    this.#waits = waits
    this.asker = activeFlow()
  }

  /** @internal tells `why(task)` and `snapshot()` of `@tasktree/core` what a task that awaits this future waits for */
  [waitDetails](): WaitDetails {
    return {
      kind: 'actor',
      label: `the end of child '${this.#child.path}'`,
      next: this.blocker()?.task ?? null,
    }
  }

  /**
   * Returns the running handler or hook of the child whose end this future awaits, because the child cannot end before
   * it. Null if none runs, or if this future is done.
   */
  blocker(): HandlerFlow | null {
    return this.done() ? null : (this.#child.incarnation?.busyFlow ?? null)
  }

  refuse(error: AskCycle): void {
    if (this.done()) return
    this.#waits.delete(this)
    this.setException(
      error.path.length > 2
        ? error
        : new AskCycle(error.path, {
            message: `${this.#child.path} waits in its own handler for its own end, which waits for the handler: use ctx.stop(), or do not await it`,
          }),
    )
  }

  override cancel(msg?: string | CancelledError): boolean {
    this.#waits.delete(this)
    return super.cancel(msg)
  }

  // oxlint-disable-next-line unicorn/no-thenable -- a Future is awaitable; this notes when a handler begins to wait
  override then<R = ExitReason, E = never>(
    onFulfilled?: ((value: ExitReason) => R | PromiseLike<R>) | null,
    onRejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    const promise = super.then(onFulfilled, onRejected)
    if (this.asker !== null && !this.done()) noteWait(this, this.asker)
    return promise
  }
}

/**
 * The futures of all callers that wait for the end of one child or of one incarnation (run) of a child. Each caller
 * gets a separate future, because a cancel of one caller must not end the wait of another caller. But a task that reads
 * `ref.whenStopped` several times, and does not await it, gets the same future each time, so that unused futures do not
 * pile up.
 */
export class EndWaits {
  readonly #waits = new Set<EndWait>()
  #newest: EndWait | null = null
  #newestReader: Task | null = null

  add(child: Child): EndWait {
    const wait = new EndWait(child, this)
    this.#waits.add(wait)
    return wait
  }

  /**
   * Returns a future that settles when `child` has ended. Code that reads `ref.whenStopped` again and again, without an
   * await, gets the same future each time, so that unused futures do not pile up. When the current task already awaits
   * that future, returns a new future, so that a cancel of one wait does not end the other wait.
   */
  read(child: Child): EndWait {
    const reader = currentTask()
    const newest = this.#newest
    if (
      newest !== null &&
      !newest.done() &&
      this.#newestReader === reader &&
      reader?.waitingOn.has(newest) !== true &&
      newest.asker === activeFlow()
    ) {
      return newest
    }
    const wait = this.add(child)
    this.#newest = wait
    this.#newestReader = reader
    return wait
  }

  delete(wait: EndWait): void {
    this.#waits.delete(wait)
  }

  settle(reason: ExitReason): void {
    this.#newest = null
    this.#newestReader = null
    for (const wait of this.#waits) if (!wait.done()) wait.setResult(reason)
    this.#waits.clear()
  }
}
