import type { EventLoop, Future } from '@tasktree/core'
import {
  checkCancelMessage,
  Claim,
  type Linked,
  startAtCaller,
  type WaitDetails,
  waitDetails,
} from '@tasktree/core/lowlevel'
import type { WaiterQueue } from './waiter-queue.ts'

/** A primitive, as its waiters see it: it wakes a waiter, and hands over in the waiter's own turn of the loop. */
export interface Host<T, A> {
  /** The waiter's turn: gives `waiter` what it asks for, or puts it in line again. */
  serve(waiter: Waiter<T, A>): void
  /** `waiter` was cancelled after it was woken: what it was woken for goes to another waiter. */
  pass(waiter: Waiter<T, A>): void
  /** `waiter` is being cancelled while it stands in line. The waiter leaves the line after this call. */
  leave?(waiter: Waiter<T, A>): void
  /** The loop of `waiter` was closed while the waiter stood in line. The waiter has left the line. */
  forget?(waiter: Waiter<T, A>): void
}

/** Where each wait began; only in debug mode, because a stack costs more than a wait. */
const origins = new WeakMap<object, Error>()

/**
 * One pending `acquire`, `get`, `send` and so on: a future with a place in a line, and with what it asks for. A cancel
 * removes it from the line at once. A waiter without a host is never woken; the primitive sets its result directly.
 *
 * One class serves all primitives, because V8 reads the fields of objects of more than four shapes much more slowly.
 */
export class Waiter<T, A = undefined> extends Claim<T> implements Linked<Waiter<T, A>> {
  list: WaiterQueue<T, A> | null = null
  nextInList: Waiter<T, A> | null = null
  previousInList: Waiter<T, A> | null = null
  readonly ask: A
  readonly #host: Host<T, A> | null

  constructor(host: Host<T, A> | null, ask: A, loop?: EventLoop) {
    super(loop === undefined ? undefined : { loop })
    this.ask = ask
    this.#host = host
    if (this.getLoop().getDebug()) origins.set(this, startAtCaller(new Error(), import.meta.url))
  }

  /** In debug mode the stack of the error begins where the wait began. */
  override setException(error: unknown): void {
    const origin = origins.get(this)?.stack
    if (origin !== undefined && error instanceof Error) {
      error.stack = origin.replace(/^Error/, `${error.name}: ${error.message}`)
    }
    super.setException(error)
  }

  override cancel(msg?: Parameters<Future<T>['cancel']>[0]): boolean {
    checkCancelMessage(msg)
    // A waiter that was woken keeps its place until its turn. In that turn it passes on what it was woken for.
    if (!this.done() && !this.isWoken()) {
      this.#host?.leave?.(this)
      this.list?.remove(this)
    }
    return super.cancel(msg)
  }

  /** Leaves the line without a turn, because the waiter's loop is closed and will never run it. */
  forget(): void {
    this.list?.remove(this)
    this.#host?.forget?.(this)
  }

  override describeWait(): string {
    return this.list?.describe(this) ?? super.describeWait()
  }

  /** @internal */
  [waitDetails](): WaitDetails {
    return this.list?.details(this) ?? { kind: 'waiter', label: super.describeWait() }
  }

  protected override claim(): void {
    this.#host?.serve(this)
  }

  protected override decline(): void {
    this.#host?.pass(this)
  }
}
