import { type EventLoop, type Future, getEventLoop, type TimerHandle } from '@tasktree/core'
import {
  cancelIsDue,
  cancelOnAbort,
  completed,
  deferred,
  describe,
  timelineOf,
} from '@tasktree/core/lowlevel'
import { WouldBlock } from './errors.ts'
import { type Awaited, checkNamed, Primitive } from './primitive.ts'
import { cancelledIfAborted } from './cancelled-if-aborted.ts'
import { type Host, Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/** One nanosecond, in milliseconds. A shorter wait is only a rounding error of the clock, and counts as 0. */
const leastWait = 1e-6

/**
 * A token bucket: the bucket gets `limit` tokens per `interval`, evenly over time, and keeps at most `burst` tokens.
 * `acquire` takes tokens out, and waits until there are enough. The bucket starts full.
 *
 * Requests are served in order, so a request for many tokens is not overtaken. A cancelled `acquire` takes no tokens. A
 * limiter is not bound to a loop: several loops may share its tokens, and a later run continues with the tokens that an
 * earlier run left.
 *
 * @example
 *     const limiter = new RateLimiter({ limit: 2, interval: 50 })
 *     const start = performance.now()
 *     for (let i = 0; i < 3; i++) await limiter.acquire() // the third waits
 *     console.log(performance.now() - start > 15) // true
 */
export class RateLimiter extends Primitive {
  /** The bucket gets `#limit` tokens in each `#interval`. Both are the numbers of the options, multiplied by `scaleOf`. */
  readonly #limit: number
  readonly #interval: number
  readonly #burst: number
  /**
   * The time at which the bucket will be full if no tokens are taken. It is the whole state of the bucket. Its unit is
   * 1 / `#limit` milliseconds, so that each token takes `#interval` units. Both numbers are usually whole, so no rounding
   * errors add up.
   */
  #fullAt = -Infinity
  /** How many waiters were given their tokens and have not continued yet. */
  #woken = 0
  readonly #line = new WaiterQueue<void, number>((waiter): Awaited => ({
    of: this,
    state: `for ${waiter.ask} of its tokens`,
    note: `for ${waiter.ask} of its tokens, ${this.waiting} in line`,
  }))
  /** The loop whose clock `#fullAt` refers to. */
  #loop: EventLoop | null = null
  /** The timer that fires when there are enough tokens for the first waiter, on the loop of that waiter. */
  #timer: TimerHandle | null = null
  readonly #host: Host<void, number> = {
    serve: (waiter) => {
      this.#woken--
      waiter.setResult()
    },
    pass: (waiter) => {
      this.#woken--
      this.#fullAt -= waiter.ask * this.#interval
      this.#serve()
    },
    leave: (waiter) => {
      this.#line.remove(waiter)
      this.#serve()
    },
  }

  /**
   * @param options.limit how many tokens the bucket gets in each interval
   * @param options.interval the length of an interval, in milliseconds
   * @param options.burst the most tokens that the bucket keeps; by default `limit`, but at least 1. A full bucket gives all
   * of them at once, so up to `burst + limit` tokens go out in one interval; with a burst of 1 they go out evenly
   * @throws {RangeError} when one of these numbers is not positive and finite
   */
  constructor(options: {
    limit: number
    interval: number
    burst?: number
    name?: string | undefined
  }) {
    if (typeof options !== 'object' || options === null) {
      throw new TypeError(`a RateLimiter takes { limit, interval }, got ${describe(options)}`)
    }
    const limit = checkPositive('limit', options.limit)
    const interval = checkPositive('interval', options.interval)
    const { burst = Math.max(1, limit) } = options
    checkPositive('burst', burst)
    super(checkNamed('a RateLimiter takes { limit, interval }', options)?.name)
    const scale = scaleOf(limit, interval, burst)
    this.#limit = limit * scale
    this.#interval = interval * scale
    this.#burst = burst
  }

  /**
   * Waits for `n` tokens and takes them. Does not suspend if there are enough tokens and no request is waiting.
   *
   * @throws {RangeError} when `n` is not positive, or is more than `burst`, because the bucket never holds that many
   */
  acquire(n = 1, options?: { signal?: AbortSignal }): Future<void> {
    this.#checkAmount(n)
    const refusal = cancelledIfAborted(options)
    if (refusal !== null) return refusal
    if (cancelIsDue()) return deferred(() => this.acquire(n, options))
    if (this.#take(n)) return completed()
    const waiter = new Waiter(this.#host, n)
    this.#line.push(waiter)
    this.#serve()
    return cancelOnAbort(waiter, options?.signal)
  }

  /**
   * Takes `n` tokens if there are enough and no request is waiting.
   *
   * @throws {WouldBlock} otherwise
   * @throws {RangeError} when `n` is not positive, or is more than `burst`
   */
  acquireNowait(n = 1): void {
    this.#checkAmount(n)
    if (!this.#take(n)) throw new WouldBlock(`${n} tokens are not there`, `acquire(${n})`)
  }

  /** @internal how many requests wait */
  get waiting(): number {
    return this.#line.size
  }

  #checkAmount(n: number): void {
    if (checkPositive('n', n) > this.#burst) {
      throw new RangeError(`n must be at most the burst of ${this.#burst}, got ${n}`)
    }
  }

  #take(n: number): boolean {
    if (this.#woken > 0 || !this.#line.isEmpty()) return false
    const loop = getEventLoop()
    if (this.#wait(n, loop) > 0) return false
    this.#spend(n, loop)
    return true
  }

  /** Returns how many tokens there are, the most that are kept, and how many requests wait. */
  override statistics(): {
    readonly available: number
    readonly burst: number
    readonly waiters: number
  } {
    const untilFull = Math.max(0, this.#fullAt - this.#time(getEventLoop()))
    return Object.freeze({
      available: untilFull === 0 ? this.#burst : this.#burst - untilFull / this.#interval,
      burst: this.#burst,
      waiters: this.#line.size + this.#woken,
    })
  }

  /**
   * Returns the time of `loop`, in the unit of `#fullAt`. All loops on the system's clock show the same time. A loop in
   * virtual time has a different clock. Then `#fullAt` is converted to that clock, so that the number of tokens stays the
   * same.
   */
  #time(loop: EventLoop): number {
    const now = loop.time() * this.#limit
    const former = this.#loop
    if (former === null || timelineOf(former) !== timelineOf(loop)) {
      if (former !== null)
        this.#fullAt = now + Math.max(0, this.#fullAt - former.time() * this.#limit)
      this.#loop = loop
    }
    return now
  }

  /** Returns how many milliseconds to wait, on the clock of `loop`, until there are `n` tokens. */
  #wait(n: number, loop: EventLoop): number {
    this.#time(loop)
    const thereAt = this.#fullAt - (this.#burst - n) * this.#interval
    const wait = thereAt / this.#limit - loop.time()
    return wait < leastWait ? 0 : wait
  }

  #spend(n: number, loop: EventLoop): void {
    this.#fullAt = Math.max(this.#fullAt, this.#time(loop)) + n * this.#interval
  }

  /** Wakes the waiters for which there are enough tokens, in order, and sets the timer for the next waiter. */
  #serve(): void {
    this.#timer?.cancel()
    this.#timer = null
    for (let waiter = this.#line.first(); waiter !== null; waiter = this.#line.first()) {
      const loop = waiter.getLoop()
      const wait = this.#wait(waiter.ask, loop)
      if (wait > 0) {
        this.#timer = loop.callLater(wait, () => this.#serve())
        return
      }
      this.#spend(waiter.ask, loop)
      this.#woken++
      this.#line.wakeNext()
    }
  }
}

/**
 * Returns a power of two by which the limit and the interval are multiplied, so that `time * limit` and
 * `burst * interval` stay below 2 ** 1024, where Infinity begins. The difference of two Infinities is NaN, and a wait of
 * NaN milliseconds would count as no wait. For ordinary numbers the power is 1.
 */
function scaleOf(limit: number, interval: number, burst: number): number {
  const tooLarge = Math.max(Math.log2(limit) - 900, Math.log2(burst) + Math.log2(interval) - 1000)
  return 2 ** -Math.ceil(Math.max(0, tooLarge))
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
