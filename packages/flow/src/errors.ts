/** `CircuitBreaker.run` refused a call, because the circuit is open or its trial calls are all under way. */
export class CircuitOpenError extends Error {
  /** @internal bundlers rename the class */
  static override readonly name: string = 'CircuitOpenError'

  override readonly name: string = CircuitOpenError.name
  readonly code: string = 'ERR_FLOW_CIRCUIT_OPEN'
  /** After this many milliseconds a trial call may be let through. 0 while the trial calls are under way. */
  readonly retryAfter: number

  /** @param lastFailure the error that opened the circuit, kept as the cause */
  constructor(retryAfter: number, lastFailure: unknown) {
    super(`the circuit is open: try again in ${retryAfter} ms`, {
      cause: lastFailure,
    })
    this.retryAfter = retryAfter
  }
}

/** An `exhaust` function was called while a call with the same key runs. */
export class BusyError extends Error {
  /** @internal bundlers rename the class */
  static override readonly name: string = 'BusyError'

  override readonly name: string = BusyError.name
  readonly code: string = 'ERR_FLOW_BUSY'

  constructor() {
    super('a call with this key is still running: await it, or use queued()')
  }
}

/** More events have come than the buffer of `on` holds. */
export class EventOverflowError extends Error {
  /** @internal bundlers rename the class */
  static override readonly name: string = 'EventOverflowError'

  override readonly name: string = EventOverflowError.name
  readonly code: string = 'ERR_FLOW_EVENT_OVERFLOW'

  constructor(event: string | symbol, buffer: number) {
    super(
      `more than ${buffer} events wait for the loop over '${String(event)}': give on() a greater buffer`,
    )
  }
}
