import type { Future } from '@tasktree/core'
import { cancelOnAbort, completed } from '@tasktree/core/lowlevel'
import { refused } from './refused.ts'
import { Releaser } from './releaser.ts'
import { type Host, Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/**
 * An amount of which each holder has a share, in strict order: whoever is first in line is waited for,
 * however much it wants, so that small requests cannot starve a big one.
 *
 * A share is set aside when its waiter is woken; one that then does not take it gives it back.
 */
export class Shares implements Host<Releaser, number> {
  #total: number
  #used = 0
  #holders = 0
  readonly #line = new WaiterQueue<Releaser, number>()
  /** Woken, with their share set aside: they are before everyone in line. */
  #woken = 0

  constructor(total: number) {
    this.#total = total
  }

  get total(): number {
    return this.#total
  }

  set total(total: number) {
    this.#total = total
    this.wake()
  }

  /** Never negative, also when the total was lowered below what is held. */
  get available(): number {
    return Math.max(0, this.#total - this.#used)
  }

  /** More than the total when that was lowered; what is set aside for those that were woken is in it. */
  get used(): number {
    return this.#used
  }

  /** Whether one share is all there is. */
  get isWhole(): boolean {
    return this.#used === this.#total && this.#holders <= 1
  }

  get holders(): number {
    return this.#holders
  }

  get waiters(): number {
    return this.#line.size + this.#woken
  }

  acquire(amount: number, options: { signal?: AbortSignal } | undefined): Future<Releaser> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    const share = this.take(amount)
    if (share !== null) return completed(share)
    const asking = new Waiter<Releaser, number>(this, amount)
    this.#line.push(asking)
    this.wake()
    return cancelOnAbort(asking, options?.signal)
  }

  /** Null when there is not that much, or somebody was woken or stands in line. */
  take(amount: number): Releaser | null {
    if (this.waiters > 0 || amount > this.available) return null
    this.#used += amount
    return this.#hold(amount)
  }

  /** Sets a share aside for each who can have one, up to the first who cannot. */
  wake(): void {
    for (let asking = this.#line.first(); asking !== null; asking = this.#line.first()) {
      if (asking.ask > this.available) return
      this.#used += asking.ask
      this.#woken++
      this.#line.wakeNext()
    }
  }

  serve(asking: Waiter<Releaser, number>): void {
    this.#woken--
    asking.setResult(this.#hold(asking.ask))
  }

  pass(asking: Waiter<Releaser, number>): void {
    this.#woken--
    this.#used -= asking.ask
    this.wake()
  }

  leave(asking: Waiter<Releaser, number>): void {
    this.#line.remove(asking)
    // Those behind may want less.
    this.wake()
  }

  #hold(amount: number): Releaser {
    this.#holders++
    return new Releaser({
      takeBack: () => {
        this.#holders--
        this.#used -= amount
        this.wake()
      },
    })
  }
}
