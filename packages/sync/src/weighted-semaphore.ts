import { currentTask, type Future, type Task } from '@tasktree/core'
import {
  cancelIsDue,
  cancelOnAbort,
  completed,
  deferred,
  type Linked,
  LinkedList,
} from '@tasktree/core/lowlevel'
import type { Awaited } from './primitive.ts'
import { cancelledIfAborted } from './cancelled-if-aborted.ts'
import { type Lender, Releaser } from './releaser.ts'
import { type Host, Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/** The request of a waiter. */
export interface Request {
  readonly amount: number
  /** A number that grows with each request, so that the older of two requests has the smaller number. */
  readonly order: number
  readonly task: Task | null
}

/** The share of one holder, as an entry in the list of all holders. */
class Share implements Lender, Linked<Share> {
  list: LinkedList<Share> | null = null
  nextInList: Share | null = null
  previousInList: Share | null = null
  readonly amount: number
  readonly task: Task | null
  readonly #semaphore: WeightedSemaphore

  constructor(semaphore: WeightedSemaphore, amount: number, task: Task | null) {
    this.#semaphore = semaphore
    this.amount = amount
    this.task = task
  }

  takeBack(): void {
    this.#semaphore.takeBack(this)
  }
}

/**
 * A semaphore whose requests have a weight: it divides a total among its holders. RWLock and CapacityLimiter are built
 * on this class.
 *
 * The first request in the queue is never overtaken, however large it is, so a big request does not wait forever. When
 * a waiter is woken, its share is reserved; if the waiter was cancelled in the meantime, it gives the share back.
 *
 * The caller checks that no request asks for more than the total, because the queue would wait behind it forever.
 */
export class WeightedSemaphore implements Host<Releaser, Request> {
  /** The amount that all holders together may have. Only a subclass changes it. */
  total: number
  /** The waiters, oldest first. */
  protected readonly line: WaiterQueue<Releaser, Request>
  #used = 0
  readonly #holds = new LinkedList<Share>()
  #requests = 0
  /** How many waiters were woken and have not continued yet. No other request may overtake them. */
  #woken = 0

  constructor(total: number, awaited: (waiter: Waiter<Releaser, Request>) => Awaited) {
    this.total = total
    this.line = new WaiterQueue(awaited)
  }

  /** How much is free; 0 when the holders have more than the total. */
  get available(): number {
    return Math.max(0, this.total - this.#used)
  }

  /** How much is held or reserved for woken waiters. This can be more than the total after the total was lowered. */
  get used(): number {
    return this.#used
  }

  get holders(): number {
    return this.#holds.size
  }

  get waiters(): number {
    return this.line.size + this.#woken
  }

  /** Whether the oldest holder has the whole total. */
  get isWhole(): boolean {
    return this.#holds.first()?.amount === this.total
  }

  /** Returns the tasks that hold a share, oldest first; null stands for code outside of every task. */
  holdingTasks(): (Task | null)[] {
    const tasks: (Task | null)[] = []
    for (let hold = this.#holds.first(); hold !== null; hold = hold.nextInList) {
      tasks.push(hold.task)
    }
    return tasks
  }

  acquire(amount: number, options: { signal?: AbortSignal } | undefined): Future<Releaser> {
    const refusal = cancelledIfAborted(options)
    if (refusal !== null) return refusal
    if (cancelIsDue()) return deferred(() => this.acquire(amount, options))
    const share = this.take(amount)
    if (share !== null) return completed(share)
    const request: Request = { amount, order: this.#requests++, task: currentTask() }
    const waiter = new Waiter<Releaser, Request>(this, request)
    this.line.push(waiter)
    this.wake()
    return cancelOnAbort(waiter, options?.signal)
  }

  /**
   * Takes a share and returns its Releaser. Returns null if that much is not free, or if a waiter was woken or is in
   * the queue.
   */
  take(amount: number): Releaser | null {
    if (this.#woken > 0 || amount > this.available || !this.line.isEmpty()) return null
    this.#used += amount
    return this.#hold(amount, currentTask())
  }

  /** Wakes waiters and reserves their shares, in order, up to the first waiter whose request does not fit. */
  wake(): void {
    for (let waiter = this.line.first(); waiter !== null; waiter = this.line.first()) {
      const { amount } = waiter.ask
      if (amount > this.available) return
      this.#used += amount
      this.#woken++
      this.line.wakeNext()
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
    // The next waiters may ask for less than the waiter that left.
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
}
