import type { EventLoop, Future } from '@tasktree/core'
import { Claim } from '@tasktree/core/lowlevel'
import type { Line, Link } from './line.ts'

/** What those wait for who are woken to take something in their own turn. */
export interface Host<T, A> {
  /** In its turn: gives `waiter` what it asks for, or puts it in line again. */
  serve(waiter: Waiter<T, A>): void
  /** `waiter` was cancelled after it was woken: what it was woken for is another's. */
  pass(waiter: Waiter<T, A>): void
  /** `waiter` is being cancelled while it stands in line, which it leaves. */
  leave?(waiter: Waiter<T, A>): void
}

/**
 * Whoever waits for anything here, with what it asks for: a place in a line, which it leaves at once
 * when it is cancelled. Without a host it is not woken but given its result.
 *
 * One class for all: the engine makes and reads objects of more than four shapes much slower.
 */
export class Waiter<T, A = undefined> extends Claim<T> implements Link<Waiter<T, A>> {
  line: Line<Waiter<T, A>> | null = null
  nextInLine: Waiter<T, A> | null = null
  previousInLine: Waiter<T, A> | null = null
  readonly ask: A
  readonly #host: Host<T, A> | null

  constructor(host: Host<T, A> | null, ask: A, loop?: EventLoop) {
    super(loop === undefined ? undefined : { loop })
    this.ask = ask
    this.#host = host
  }

  override cancel(msg?: Parameters<Future<T>['cancel']>[0]): boolean {
    // After the wake-up it keeps its place until its turn, in which it passes on.
    if (!this.done() && !this.isWoken()) {
      this.#host?.leave?.(this)
      this.line?.remove(this)
    }
    return super.cancel(msg)
  }

  protected override claim(): void {
    this.#host?.serve(this)
  }

  protected override decline(): void {
    this.#host?.pass(this)
  }
}
