/**
 * Thrown by `CircuitBreaker.run` when it refuses a call: the circuit is open, or it is half-open and all its trial
 * calls have begun.
 */
export class CircuitOpenError extends Error {
  /** @internal the name that users see; bundlers rename the class */
  static override readonly name: string = 'CircuitOpenError'

  override readonly name: string = CircuitOpenError.name
  readonly code: string = 'ERR_FLOW_CIRCUIT_OPEN'
  /** After this many milliseconds the circuit may let a trial call through. 0 if the trial calls are running now. */
  readonly retryAfter: number

  /** @param lastFailure the error that has opened the circuit. It becomes the `cause`. */
  constructor(retryAfter: number, lastFailure: unknown) {
    super(`the circuit is open: try again in ${retryAfter} ms`, {
      cause: lastFailure,
    })
    this.retryAfter = retryAfter
  }
}

/** Thrown by a function that `exhaust` has made, because a call with the same key is running. */
export class BusyError extends Error {
  /** @internal the name that users see; bundlers rename the class */
  static override readonly name: string = 'BusyError'

  override readonly name: string = BusyError.name
  readonly code: string = 'ERR_FLOW_BUSY'

  constructor() {
    super('a call with this key is still running: await it, or use queued()')
  }
}

/** Thrown by the loop over `on` when more events have come than its buffer holds. */
export class EventOverflowError extends Error {
  /** @internal the name that users see; bundlers rename the class */
  static override readonly name: string = 'EventOverflowError'

  override readonly name: string = EventOverflowError.name
  readonly code: string = 'ERR_FLOW_EVENT_OVERFLOW'

  constructor(event: string | symbol, buffer: number) {
    super(
      `more than ${buffer} events wait for the loop over '${String(event)}': give on() a greater buffer`,
    )
  }
}
