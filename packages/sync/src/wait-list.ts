import { type CancelledError, Future } from '@tasktree/core'
import { Claim } from '@tasktree/core/lowlevel'

/** An entry of a WaitList, linked through itself. */
interface Link {
  list: WaitList<Link> | null
  previous: Link | null
  next: Link | null
}

/**
 * Waiters, first in, first out. The waiters are the links, so that one of a million is removed, when it
 * is cancelled, by as little as any other.
 */
export class WaitList<W extends Link> {
  #first: Link | null = null
  #last: Link | null = null
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): W | null {
    return this.#first as W | null
  }

  push(waiter: W): void {
    const last = this.#last
    waiter.list = this as unknown as WaitList<Link>
    waiter.previous = last
    if (last === null) this.#first = waiter
    else last.next = waiter
    this.#last = waiter
    this.#size++
  }

  shift(): W | null {
    const first = this.#first as W | null
    if (first !== null) this.remove(first)
    return first
  }

  remove(waiter: W): void {
    const { previous, next } = waiter
    if (previous === null) this.#first = next
    else previous.next = next
    if (next === null) this.#last = previous
    else next.previous = previous
    waiter.list = null
    waiter.previous = null
    waiter.next = null
    this.#size--
  }
}

/** Waits for something that many may have at once: its result is final when it is set. */
export class Waiter<T> extends Future<T> implements Link {
  list: WaitList<Link> | null = null
  previous: Link | null = null
  next: Link | null = null

  override cancel(msg?: string | CancelledError): boolean {
    this.list?.remove(this)
    return super.cancel(msg)
  }
}

/** Whose turns they are. */
export interface TurnKeeper<T, A> {
  /** @internal the waiter's turn: give it what it waits for, or let it wait again */
  grant(turn: Turn<T, A>): void
  /** @internal a woken waiter goes away empty-handed: pass the wake-up on */
  forgo(turn: Turn<T, A>): void
  /** @internal one that was not woken was cancelled */
  left?(turn: Turn<T, A>): void
}

/** Waits for something that only one may have, and takes it in its own turn. */
export class Turn<T, A = undefined> extends Claim<T> implements Link {
  list: WaitList<Link> | null = null
  previous: Link | null = null
  next: Link | null = null
  /** What was asked for. */
  readonly asked: A
  readonly #keeper: TurnKeeper<T, A>

  constructor(keeper: TurnKeeper<T, A>, asked: A) {
    super()
    this.#keeper = keeper
    this.asked = asked
  }

  protected override claim(): void {
    this.#keeper.grant(this)
  }

  protected override decline(): void {
    this.#keeper.forgo(this)
  }

  override cancel(msg?: string | CancelledError): boolean {
    const { list } = this
    if (list === null) return super.cancel(msg)
    list.remove(this)
    const cancelled = super.cancel(msg)
    this.#keeper.left?.(this)
    return cancelled
  }
}
