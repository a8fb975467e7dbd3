import { type EventLoop, type Future, getEventLoop, type TimerHandle } from '@tasktree/core'
import { cancelOnAbort, completed, describe } from '@tasktree/core/lowlevel'
import { WouldBlock } from './errors.ts'
import { refused } from './refused.ts'
import { type Host, Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/** A nanosecond: less is the rounding of a clock that counts milliseconds, not a wait. */
const leastWait = 1e-6

/**
 * A token bucket: `limit` tokens flow in during each `interval`, evenly, and at most `burst` are kept.
 * `acquire` takes tokens, waiting in line until they are there. It starts full.
 *
 * First come, first served: one that wants many tokens is not overtaken. A cancelled `acquire` takes
 * none.
 *
 * @example
 * const limiter = new RateLimiter({ limit: 10, interval: 1000 })
 * await limiter.acquire()
 */
export class RateLimiter {
  readonly #limit: number
  readonly #interval: number
  readonly #burst: number
  /**
   * When the bucket is full if nobody takes from it, the whole state; in milliseconds times `limit`, of which
   * a token takes `interval`, a whole number as a rule, so that no rounding adds up.
   */
  #fullAt = -Infinity
  #woken = 0
  readonly #line = new WaiterQueue<void, number>()
  #loop: EventLoop | null = null
  #timer: TimerHandle | null = null
  readonly #host: Host<void, number> = {
    serve: (asking) => {
      this.#woken--
      asking.setResult()
    },
    pass: (asking) => {
      this.#woken--
      this.#fullAt -= asking.ask * this.#interval
      this.#serve()
    },
    leave: (asking) => {
      this.#line.remove(asking)
      this.#serve()
    },
  }

  /**
   * @param options.limit tokens in each interval
   * @param options.interval milliseconds
   * @param options.burst how many tokens are kept at most; `limit` by default
   * @throws {RangeError} when one is not positive and finite
   */
  constructor(options: { limit: number; interval: number; burst?: number }) {
    if (typeof options !== 'object' || options === null) {
      throw new TypeError(`a RateLimiter takes { limit, interval }, got ${describe(options)}`)
    }
    this.#limit = checkPositive('limit', options.limit)
    this.#interval = checkPositive('interval', options.interval)
    const { burst = Math.max(1, this.#limit) } = options
    this.#burst = checkPositive('burst', burst)
  }

  /**
   * Waits for `n` tokens and takes them. Does not suspend when they are there and nobody is in line.
   *
   * @throws {RangeError} when `n` is not positive, or more than `burst`, which would never be there
   */
  acquire(n = 1, options?: { signal?: AbortSignal }): Future<void> {
    this.#checkAmount(n)
    const refusal = refused(options)
    if (refusal !== null) return refusal
    if (this.#take(n)) return completed()
    const asking = new Waiter(this.#host, n)
    this.#line.push(asking)
    this.#serve()
    return cancelOnAbort(asking, options?.signal)
  }

  /**
   * Takes `n` tokens when they are there and nobody is in line.
   *
   * @throws {WouldBlock} otherwise
   * @throws {RangeError} when `n` is not positive, or more than `burst`
   */
  acquireNowait(n = 1): void {
    this.#checkAmount(n)
    if (!this.#take(n)) throw new WouldBlock(`${n} tokens are not there`, `acquire(${n})`)
  }

  #checkAmount(n: number): void {
    if (checkPositive('n', n) > this.#burst) {
      throw new RangeError(`n must be at most the burst of ${this.#burst}, got ${n}`)
    }
  }

  #take(n: number): boolean {
    if (this.#waiters > 0 || this.#wait(n) > 0) return false
    this.#spend(n)
    return true
  }

  /** The tokens that are there, and who waits. */
  statistics(): { readonly available: number; readonly burst: number; readonly waiters: number } {
    const missing = Math.max(0, this.#fullAt - this.#clock().time() * this.#limit) / this.#interval
    return Object.freeze({
      available: this.#burst - missing,
      burst: this.#burst,
      waiters: this.#waiters,
    })
  }

  get #waiters(): number {
    return this.#line.size + this.#woken
  }

  /** The loop of first use tells the time, since two loops' times cannot be compared. */
  #clock(): EventLoop {
    if (this.#loop === null || this.#loop.isClosed()) {
      this.#loop = getEventLoop()
      this.#fullAt = -Infinity
    }
    return this.#loop
  }

  /** Milliseconds until there are `n` tokens. */
  #wait(n: number): number {
    const thereAt = this.#fullAt - (this.#burst - n) * this.#interval
    const wait = thereAt / this.#limit - this.#clock().time()
    return wait < leastWait ? 0 : wait
  }

  #spend(n: number): void {
    this.#fullAt = Math.max(this.#fullAt, this.#clock().time() * this.#limit) + n * this.#interval
  }

  /** Wakes everyone whose tokens are there, and sets the timer for the next. */
  #serve(): void {
    this.#timer?.cancel()
    this.#timer = null
    for (let asking = this.#line.first(); asking !== null; asking = this.#line.first()) {
      const { ask: amount } = asking
      const wait = this.#wait(amount)
      if (wait > 0) {
        this.#timer = this.#clock().callLater(wait, () => this.#serve())
        return
      }
      this.#spend(amount)
      this.#woken++
      this.#line.wakeNext()
    }
  }
}

function checkPositive(name: string, value: number): number {
  if (typeof value !== 'number') {
    throw new TypeError(`${name} must be a number, got ${describe(value)}`)
  }
  if (!(value > 0) || value === Infinity) {
    throw new RangeError(`${name} must be positive and finite, got ${value}`)
  }
  return value
}
