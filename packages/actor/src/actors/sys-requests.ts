/**
 * A request to an actor by a function of `sys`, such as `sys.suspend`. The actor performs the request between two
 * messages, before all messages in the mailbox, and even while the actor is suspended.
 */
export interface SysRequest {
  perform(): void
  /** Called instead of `perform` when the incarnation (run of the actor) ends before it has performed the request. */
  drop(error: Error): void
}

/**
 * The `sys` requests that one incarnation (run of an actor) has received and not performed yet: to suspend or resume the
 * actor, or to read or replace its state, as with the module `sys` of OTP.
 */
export class SysRequests {
  #waiting: SysRequest[] = []

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  add(request: SysRequest): void {
    this.#waiting.push(request)
  }

  performAll(): void {
    if (this.isEmpty) return
    for (const request of this.#takeAll()) request.perform()
  }

  /**
   * Drops the waiting requests. `makeError` is called only if a request waits, because an error takes about 1
   * microsecond for its stack, and at the end of nearly every incarnation (run of an actor) no request waits.
   */
  dropAll(makeError: () => Error): void {
    if (this.isEmpty) return
    const error = makeError()
    for (const request of this.#takeAll()) request.drop(error)
  }

  /**
   * Returns the waiting requests and empties the list. The list is empty before the caller performs the requests,
   * because a request that is performed may add another request, which must stay in the list for the next call.
   */
  #takeAll(): SysRequest[] {
    const requests = this.#waiting
    this.#waiting = []
    return requests
  }
}
