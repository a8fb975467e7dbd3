import { type CancelledError, isCancelled, type Task } from '@tasktree/core'
import { Claim, type WaitDetails, waitDetails } from '@tasktree/core/lowlevel'
import { AskCycle, SupervisorStopping } from '../errors.ts'
import { checkCycleLater } from '../messages/ask-cycle.ts'
import { activeFlow, type HandlerFlow } from '../messages/handler-flow.ts'
import type { RefusableWait } from '../messages/wait-graph.ts'
import type { Operation } from './operation-queue.ts'

/** Two functions that undo a request to a supervisor, because the caller that made the request was cancelled. */
export interface Retreat<T> {
  /**
   * Called if the caller is cancelled while the supervisor performs the request. Stops the work of the request. The
   * caller stays in its wait until that work has stopped.
   */
  undo?: () => void
  /**
   * Called if the caller is cancelled when the supervisor has performed the request, but before the caller got the
   * result. Undoes the result `value`.
   */
  takeBack?: (value: T) => void
}

/**
 * A request of a caller to a supervisor, such as the start of a child. The caller awaits this future. If the caller is
 * cancelled, the moment decides:
 *
 * - The supervisor has not begun the request: nothing is done.
 * - The supervisor performs the request, and there is a function `undo`: `undo` stops the work, and the caller is
 *   cancelled when the work has stopped.
 * - The supervisor performs the request, and there is no function `undo`: the caller is cancelled at once, and the work
 *   goes on.
 * - The supervisor has performed the request, but the caller has not got the result yet: `takeBack` undoes the result.
 */
export class Request<T> extends Claim<T> implements Operation, RefusableWait {
  /** The task of the supervisor. The name of the task is the path of the supervisor. */
  readonly #task: Task
  readonly #work: () => Promise<T>
  readonly #retreat: Retreat<T>
  /** The HandlerFlow (the object for one run of a handler) whose code awaits this future; null if there is none. */
  #asker: HandlerFlow | null = null
  #running = false
  #cancelled = false
  #message: string | CancelledError | undefined
  #result: { readonly value: T } | null = null

  constructor(task: Task, work: () => Promise<T>, retreat: Retreat<T>) {
    super({ loop: task.getLoop() })
    this.#task = task
    this.#work = work
    this.#retreat = retreat
  }

  /** @internal tells `why(task)` and `snapshot()` of `@tasktree/core` what a task that awaits this future waits for */
  [waitDetails](): WaitDetails {
    const task = this.#task
    const parts = this.done() || this.isWoken() ? undefined : [task]
    return { kind: 'supervisor', label: `supervisor '${task.name}'`, next: task, parts }
  }

  // oxlint-disable-next-line unicorn/no-thenable -- a Future is awaitable; this checks whether handlers wait in a circle
  override then<R = T, E = never>(
    onFulfilled?: ((value: T) => R | PromiseLike<R>) | null,
    onRejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    const promise = super.then(onFulfilled, onRejected)
    const flow = activeFlow()
    if (flow !== null && !this.done()) {
      this.#asker = flow
      checkCycleLater(flow)
    }
    return promise
  }

  /**
   * Makes the caller's wait for this request fail with AskCycle, because the supervisor in turn waits for the handler or
   * hook of the caller. If the supervisor is performing the request, it goes on; otherwise the request is forgotten.
   */
  refuse(error: AskCycle): void {
    if (this.done()) return
    const [path] = error.path
    this.setException(
      error.path.length > 2
        ? error
        : new AskCycle(error.path, {
            message: `${path} waits for a request to its supervisor ${this.#task.name}, which waits for the end of ${path}: do not await the request`,
          }),
    )
  }

  async perform(): Promise<void> {
    if (this.done()) return
    this.#running = true
    try {
      const working = this.#work()
      // `working` may now wait for the end of the handler that awaits this request. Then the two wait for each other. The
      // check usually finds such a circle, and makes a wait of the circle fail.
      if (this.#asker?.ended === false) checkCycleLater(this.#asker)
      const value = await working
      this.#result = { value }
      if (this.#cancelled) this.decline()
      this.#end(() => this.wake())
    } catch (error) {
      if (isCancelled(error)) {
        this.#end(() => this.drop())
        throw error
      }
      this.#end(() => this.setException(error))
    }
  }

  #end(settle: () => unknown): void {
    if (this.done()) return
    if (this.#cancelled) super.cancel(this.#message)
    else settle()
  }

  drop(): void {
    if (!this.done()) this.setException(new SupervisorStopping(this.#task.name))
  }

  protected override claim(): void {
    this.setResult((this.#result as { value: T }).value)
  }

  protected override decline(): void {
    this.#retreat.takeBack?.((this.#result as { value: T }).value)
  }

  override cancel(msg?: string | CancelledError): boolean {
    const { undo } = this.#retreat
    // Without `undo`, the caller is cancelled at once, even while the supervisor performs the request. The caller must
    // not wait for the work, because the work may itself wait for the end of the handler in which the caller runs.
    if (!this.#running || this.done() || this.#result !== null || undo === undefined) {
      return super.cancel(msg)
    }
    this.#cancelled = true
    this.#message = msg
    undo()
    return true
  }
}
