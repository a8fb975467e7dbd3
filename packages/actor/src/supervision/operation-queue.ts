import { type CancelledError, type EventLoop, isCancelled } from '@tasktree/core'
import { Claim } from '@tasktree/core/lowlevel'
import { SupervisorStopping } from '../errors.ts'

export interface Operation {
  perform(): Promise<void>
  /** Called instead of `perform` when the supervisor ends before the operation was performed. */
  drop(): void
}

/** A queue of the operations that a supervisor will perform, first come first served. */
export class OperationQueue {
  #batch: Operation[] = []
  #next = 0
  #incoming: Operation[] = []

  push(operation: Operation): void {
    this.#incoming.push(operation)
  }

  shift(): Operation | null {
    if (this.#next === this.#batch.length) {
      if (this.#incoming.length === 0) return null
      this.#batch = this.#incoming
      this.#incoming = []
      this.#next = 0
    }
    return this.#batch[this.#next++] as Operation
  }

  dropAll(): void {
    for (let each = this.shift(); each !== null; each = this.shift()) each.drop()
  }
}

/** Two functions that undo a request, because the caller that made the request was cancelled. */
export interface Retreat<T> {
  /** Called if the caller is cancelled while the supervisor performs the request. Stops the work of the request. */
  undo?: () => void
  /** Called if the caller is cancelled after the supervisor has performed the request. Undoes the result `value`. */
  takeBack?: (value: T) => void
}

/**
 * A request of a caller to a supervisor. If the caller is cancelled before the supervisor performs the request, nothing
 * is done. If the caller is cancelled later, the function `undo` or `takeBack` undoes the work. If there is a function
 * `undo`, the caller gets its CancelledError when the work was undone; otherwise it gets it at once.
 */
export class Request<T> extends Claim<T> implements Operation {
  readonly #path: string
  readonly #work: () => Promise<T>
  readonly #retreat: Retreat<T>
  #running = false
  #cancelled = false
  #message: string | CancelledError | undefined
  #result: { readonly value: T } | null = null

  constructor(loop: EventLoop, path: string, work: () => Promise<T>, retreat: Retreat<T>) {
    super({ loop })
    this.#path = path
    this.#work = work
    this.#retreat = retreat
  }

  async perform(): Promise<void> {
    if (this.done()) return
    this.#running = true
    try {
      const value = await this.#work()
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
    if (!this.done()) this.setException(new SupervisorStopping(this.#path))
  }

  protected override claim(): void {
    this.setResult((this.#result as { value: T }).value)
  }

  protected override decline(): void {
    this.#retreat.takeBack?.((this.#result as { value: T }).value)
  }

  override cancel(msg?: string | CancelledError): boolean {
    const { undo } = this.#retreat
    // Without `undo`, the caller is cancelled at once. The caller must not wait for the work, because the work may
    // itself wait for the end of the calling handler.
    if (!this.#running || this.done() || this.#result !== null || undo === undefined) {
      return super.cancel(msg)
    }
    this.#cancelled = true
    this.#message = msg
    undo()
    return true
  }
}
