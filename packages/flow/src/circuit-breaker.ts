import { type EventLoop, getEventLoop } from '@tasktree/core'
import {
  checkBody,
  checkCount,
  checkDuration,
  checkOptions,
  timelineOf,
} from '@tasktree/core/lowlevel'
import { accepts, checkFunction, requireOptions } from './check-options.ts'
import { cancelsSoFar, wasCancelled } from './cancels.ts'
import { runWithSignal } from './run-child.ts'
import { CircuitOpenError } from './errors.ts'
import { reportUnthrown } from './report-unthrown.ts'

/**
 * With 'closed', every call is made. With 'open', every call is refused. With 'half-open', a few trial calls are made.
 * If they succeed, the circuit closes; if one fails, it opens again.
 */
export type CircuitState = 'closed' | 'open' | 'half-open'

export interface CircuitBreakerOptions {
  /** The number of failures within `within` milliseconds that opens the circuit. */
  failures: number
  /** The time in milliseconds in which `failures` failures open the circuit. */
  within: number
  /** After this many milliseconds an open circuit becomes half-open. */
  resetAfter: number
  /**
   * How many trial calls must succeed before a half-open circuit closes. At most this many trial calls run at the same
   * time. 1 by default.
   */
  halfOpen?: number | undefined
  /** Whether an error counts as a failure; by default every error does. A cancel never counts. */
  countIf?: ((error: unknown) => boolean) | undefined
}

/**
 * Refuses the calls to a service that has failed several times. The callers then fail at once, and the service has time
 * to recover. Use one breaker for all calls to one service.
 *
 * Only an outcome that belongs to the present state counts: a call that began before the circuit opened does not close
 * or open the circuit when it ends. If a trial call is cancelled, another call may become a trial in its place. The
 * breaker has no timer: an open circuit becomes half-open at the next call of `run`, or when code next reads `state`.
 *
 * @example
 *     const breaker = new CircuitBreaker({ failures: 2, within: 10_000, resetAfter: 30_000 })
 *     const call = () =>
 *       breaker.run(async () => {
 *         throw new Error('the server is down')
 *       })
 *     for (let i = 0; i < 2; i++) await call().catch(() => {})
 *     console.log(breaker.state) // open
 *     await call().catch((error: Error) => console.log(error.name)) // CircuitOpenError
 */
export class CircuitBreaker {
  /** @internal the name that users see; bundlers rename the class */
  static readonly name: string = 'CircuitBreaker'

  /**
   * Called after each change of the state, with the new state and the previous state. If this function throws, the
   * error goes to the exception handler of the loop.
   */
  onStateChange: ((state: CircuitState, previous: CircuitState) => void) | null = null
  readonly #failures: number
  readonly #within: number
  readonly #resetAfter: number
  readonly #halfOpen: number
  readonly #countIf: ((error: unknown) => boolean) | undefined
  #state: CircuitState = 'closed'
  /**
   * Grows by 1 with every change of the state. A call compares it with its value at the beginning of the call: if the
   * two differ, the outcome of the call belongs to an earlier state and does not count.
   */
  #epoch = 0
  /** The times of the failures of the last `within` milliseconds, on the clock of the loop. */
  #failureTimes: number[] = []
  #openedAt = 0
  #lastFailure: unknown = undefined
  #trialsRunning = 0
  #trialsSucceeded = 0
  #loop: EventLoop | null = null

  /**
   * Makes a breaker whose circuit is closed.
   *
   * @throws {TypeError} when an option has a wrong type
   * @throws {RangeError} when an option is out of range
   */
  constructor(options: CircuitBreakerOptions) {
    requireOptions('a CircuitBreaker', '{ failures, within, resetAfter }', options)
    const { countIf } = options
    this.#failures = checkCount('the option failures', options.failures, 1)
    this.#within = checkDuration('the option within', options.within)
    this.#resetAfter = checkDuration('the option resetAfter', options.resetAfter)
    this.#halfOpen = checkCount('the option halfOpen', options.halfOpen ?? 1, 1)
    checkFunction('countIf', countIf)
    this.#countIf = countIf
  }

  get state(): CircuitState {
    if (this.#state === 'open' && this.#time() >= this.#openedAt + this.#resetAfter) {
      this.#change('half-open')
    }
    return this.#state
  }

  /**
   * Calls `fn`, unless the circuit refuses the call, and returns the result of `fn`.
   *
   * @throws {CircuitOpenError} when the circuit refuses the call; the returned promise rejects with it
   */
  run<T>(fn: () => PromiseLike<T>, options?: { signal?: AbortSignal }): Promise<T> {
    checkBody('run', fn)
    checkOptions(options)
    return runWithSignal(options?.signal, () => this.#call(fn))
  }

  async #call<T>(fn: () => PromiseLike<T>): Promise<T> {
    const isTrial = this.#admit()
    const epoch = this.#epoch
    const before = cancelsSoFar()
    let value: T
    try {
      value = await fn()
    } catch (error) {
      if (isTrial && epoch === this.#epoch) this.#trialsRunning--
      if (!wasCancelled(error, before) && accepts('countIf', this.#countIf, error))
        this.#failed(error, epoch)
      throw error
    }
    if (isTrial && epoch === this.#epoch) {
      this.#trialsRunning--
      this.#trialsSucceeded++
      if (this.#trialsSucceeded >= this.#halfOpen) this.#change('closed')
    }
    return value
  }

  /**
   * Decides whether a call is made. Returns true if it is a trial call. @throws {CircuitOpenError} when the call is
   * refused
   */
  #admit(): boolean {
    const { state } = this
    if (state === 'closed') return false
    if (state === 'open') {
      throw new CircuitOpenError(
        this.#openedAt + this.#resetAfter - this.#time(),
        this.#lastFailure,
      )
    }
    if (this.#trialsRunning + this.#trialsSucceeded >= this.#halfOpen) {
      throw new CircuitOpenError(0, this.#lastFailure)
    }
    this.#trialsRunning++
    return true
  }

  #failed(error: unknown, epoch: number): void {
    if (epoch !== this.#epoch) return
    this.#lastFailure = error
    if (this.#state === 'half-open') {
      this.#open()
      return
    }
    const now = this.#time()
    const times = this.#failureTimes
    times.push(now)
    while (now - (times[0] as number) > this.#within) times.shift()
    if (times.length >= this.#failures) this.#open()
  }

  #open(): void {
    this.#openedAt = this.#time()
    this.#change('open')
  }

  #change(state: CircuitState): void {
    const previous = this.#state
    this.#state = state
    this.#epoch++
    this.#failureTimes = []
    this.#trialsRunning = 0
    this.#trialsSucceeded = 0
    if (state === 'closed') this.#lastFailure = undefined
    try {
      this.onStateChange?.(state, previous)
    } catch (exception) {
      reportUnthrown(exception)
    }
  }

  /**
   * Returns the time of the current loop. If the breaker was used in a loop with another clock before, the remembered
   * times are first converted to the new clock.
   */
  #time(): number {
    const loop = getEventLoop()
    const former = this.#loop
    const now = loop.time()
    if (former !== null && timelineOf(former) !== timelineOf(loop)) {
      const shift = now - former.time()
      this.#openedAt += shift
      this.#failureTimes = this.#failureTimes.map((time) => time + shift)
    }
    this.#loop = loop
    return now
  }
}
