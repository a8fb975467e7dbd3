import { currentTask, type Future, type Task } from '@tasktree/core'
import { cancelOnAbort, completed, type Linked, LinkedList } from '@tasktree/core/lowlevel'
import type { Awaited } from './primitive.ts'
import { refused } from './refused.ts'
import { type Lender, Releaser } from './releaser.ts'
import { type Host, Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/** What a waiter asks for. */
export interface Request {
  readonly amount: number
  /** Tells which of two requests came first. */
  readonly order: number
  readonly task: Task | null
}

/** One hold, in the list of all holds. */
class Share implements Lender, Linked<Share> {
  list: LinkedList<Share> | null = null
  nextInList: Share | null = null
  previousInList: Share | null = null
  readonly amount: number
  readonly task: Task | null
  readonly #shares: Shares

  constructor(shares: Shares, amount: number, task: Task | null) {
    this.#shares = shares
    this.amount = amount
    this.task = task
  }

  takeBack(): void {
    this.#shares.takeBack(this)
  }
}

/**
 * An amount of which each holder has a share: what RWLock and CapacityLimiter are made of.
 *
 * The first request in line is never overtaken, no matter how much it asks for, so small requests cannot starve a big
 * one. When a waiter is woken, its share is set aside for it; if the waiter turns out to be cancelled, it gives the share
 * back. A request for more than the total cannot be served until the total is raised. It steps aside, so that it does not
 * block the line, and returns to its place when the total is large enough.
 */
export class Shares implements Host<Releaser, Request> {
  #total: number
  #used = 0
  readonly #line: WaiterQueue<Releaser, Request>
  /** The requests for more than the total, oldest first. */
  readonly #aside: WaiterQueue<Releaser, Request>
  readonly #holds = new LinkedList<Share>()
  #requests = 0
  /** How many waiters were woken and have not run yet. They come before everybody in line. */
  #woken = 0

  constructor(total: number, awaited: (waiter: Waiter<Releaser, Request>) => Awaited) {
    this.#total = total
    this.#line = new WaiterQueue(awaited)
    this.#aside = new WaiterQueue(awaited)
  }

  get total(): number {
    return this.#total
  }

  /** Costs one step for each waiter. */
  set total(total: number) {
    this.#total = total
    this.#sortWaiters()
    this.wake()
  }

  /** What is free. Never negative, even if the total was lowered below what is held. */
  get available(): number {
    return Math.max(0, this.#total - this.#used)
  }

  /** What is held or set aside for woken waiters. More than the total after that was lowered. */
  get used(): number {
    return this.#used
  }

  get holders(): number {
    return this.#holds.size
  }

  get waiters(): number {
    return this.#line.size + this.#aside.size + this.#woken
  }

  /** Whether the oldest hold is the whole total. */
  get isWhole(): boolean {
    return this.#holds.first()?.amount === this.#total
  }

  /** The tasks that hold a share, oldest first; null stands for plain code. */
  holdingTasks(): (Task | null)[] {
    const tasks: (Task | null)[] = []
    for (let hold = this.#holds.first(); hold !== null; hold = hold.nextInList) {
      tasks.push(hold.task)
    }
    return tasks
  }

  acquire(amount: number, options: { signal?: AbortSignal } | undefined): Future<Releaser> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    const share = this.take(amount)
    if (share !== null) return completed(share)
    const request: Request = { amount, order: this.#requests++, task: currentTask() }
    const waiter = new Waiter<Releaser, Request>(this, request)
    this.#line.push(waiter)
    this.wake()
    return cancelOnAbort(waiter, options?.signal)
  }

  /** Returns null if there is not that much, or if somebody was woken or stands in line. */
  take(amount: number): Releaser | null {
    if (this.#woken > 0 || amount > this.available || !this.#line.isEmpty()) return null
    this.#used += amount
    return this.#hold(amount, currentTask())
  }

  /** Sets a share aside for each waiter that can have one, up to the first that cannot. */
  wake(): void {
    for (let waiter = this.#line.first(); waiter !== null; waiter = this.#line.first()) {
      const { amount } = waiter.ask
      if (amount > this.available) return
      this.#used += amount
      this.#woken++
      this.#line.wakeNext()
    }
  }

  serve(waiter: Waiter<Releaser, Request>): void {
    this.#woken--
    waiter.setResult(this.#hold(waiter.ask.amount, waiter.ask.task))
  }

  pass(waiter: Waiter<Releaser, Request>): void {
    this.#woken--
    this.#used -= waiter.ask.amount
    this.wake()
  }

  leave(waiter: Waiter<Releaser, Request>): void {
    waiter.list?.remove(waiter)
    // The waiters behind it may ask for less.
    this.wake()
  }

  takeBack(share: Share): void {
    this.#holds.remove(share)
    this.#used -= share.amount
    this.wake()
  }

  #hold(amount: number, task: Task | null): Releaser {
    const share = new Share(this, amount, task)
    this.#holds.push(share)
    return new Releaser(share)
  }

  /** Puts every waiter into the line it belongs to under the new total, in the order in which the requests came. */
  #sortWaiters(): void {
    const waiters: Waiter<Releaser, Request>[] = []
    for (const line of [this.#line, this.#aside]) {
      for (let waiter = line.shift(); waiter !== null; waiter = line.shift()) waiters.push(waiter)
    }
    waiters.sort((a, b) => a.ask.order - b.ask.order)
    for (const waiter of waiters) {
      ;(waiter.ask.amount > this.#total ? this.#aside : this.#line).push(waiter)
    }
  }
}
