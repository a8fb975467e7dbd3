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
import { runWithSignal } from './child.ts'
import { CircuitOpenError } from './errors.ts'
import { reportUnthrown } from './report-unthrown.ts'

/**
 * 'closed': every call is made. 'open': every call is refused. 'half-open': a few trial calls are made, and decide whether
 * the circuit closes or opens again.
 */
export type CircuitState = 'closed' | 'open' | 'half-open'

export interface CircuitBreakerOptions {
  /** This many failures … */
  failures: number
  /** … within this many milliseconds open the circuit. */
  within: number
  /** After this many milliseconds an open circuit becomes half-open. */
  resetAfter: number
  /** How many trial calls of a half-open circuit must succeed to close it, and may run at the same time; 1 by default. */
  halfOpen?: number | undefined
  /** Whether an error counts as a failure; by default every error does. A cancel never counts. */
  countIf?: ((error: unknown) => boolean) | undefined
}

/**
 * Stops making calls that fail all the time, so that callers fail fast and the called service can recover. Use one breaker
 * for all calls to one service.
 *
 * Only an outcome that belongs to the present state counts: a call that began before the circuit opened does not close or
 * open it when it ends. A trial call that is cancelled gives its place to another. The breaker has no timer of its own: an
 * open circuit becomes half-open when it is next used or looked at.
 */
export class CircuitBreaker {
  /** @internal bundlers rename the class */
  static readonly name: string = 'CircuitBreaker'

  /** Called after each change, with the new state and the previous state. Its errors go to the loop's exception handler. */
  onStateChange: ((state: CircuitState, previous: CircuitState) => void) | null = null
  readonly #failures: number
  readonly #within: number
  readonly #resetAfter: number
  readonly #halfOpen: number
  readonly #countIf: ((error: unknown) => boolean) | undefined
  #state: CircuitState = 'closed'
  /** Goes up with every change of the state: outcomes of calls that began before are old. */
  #epoch = 0
  /** When the failures of the last `within` milliseconds were, by the loop's clock. */
  #failureTimes: number[] = []
  #openedAt = 0
  #lastFailure: unknown = undefined
  #trialsRunning = 0
  #trialsSucceeded = 0
  #loop: EventLoop | null = null

  /**
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
   * Calls `fn` if the circuit lets the call through, and gives the result of `fn`.
   *
   * @throws {CircuitOpenError} (the promise rejects) when it does not
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

  /** Whether the call is a trial. @throws {CircuitOpenError} when it must not be made */
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

  /** The time of the current loop. When that has another clock than before, all remembered times are moved to it. */
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
