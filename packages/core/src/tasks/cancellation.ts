import { type CancelledError, isCancelled, toCancelledError } from '../errors/errors.ts'
import type { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import { abortSignal } from './abort-signal.ts'
import type { Frame } from './frame.ts'

/**
 * The cancels of one frame: how many were asked for, whether one is yet to be delivered, and the signal that tells of
 * them.
 *
 * The problem: a cancel must be delivered once. asyncio throws it into the task's only wait. Here the wait that was
 * struck may belong to a flow that the program has abandoned, such as a loser of `Promise.race`, while the main flow is
 * in a foreign await. Then nobody would notice the cancel.
 *
 * The idea: a delivery is confirmed when, in the turn in which the struck wait throws, the body of the frame ends or a
 * wait begins in the frame. An unconfirmed delivery stays due for the next wait of the frame if there is evidence that
 * another flow exists: a newer wait that has ended, code that ran while the struck wait was pending, or a struck flow
 * that is over without a trace (`promise-hook.ts`). Without evidence the flow is in the foreign part of its own clean-up,
 * which must not be struck again.
 */
export class Cancellation {
  readonly #frame: Frame
  /** Asked for and not taken back. */
  count = 0
  /** Whether a cancel of the frame itself was ever asked for. */
  wasAsked = false
  /** On its way to what the task waits on; a cancel that comes back here has gone round a circle of tasks. */
  isSpreading = false
  /** To be delivered when the frame next waits or resumes. */
  pending = false
  /** Code has looked at the aborted signal since: the pending cancel strikes no wait, and still ends a body that returns. */
  isSeen = false
  message: string | CancelledError | undefined = undefined
  /** What the newest cancel has ended a wait for. */
  struckWait: Future<unknown> | null = null
  /** The message of the last cancel that was not delivered at once. */
  remembered: string | CancelledError | undefined = undefined
  /** Stays due after every delivery that is not confirmed: a signal of the process must not be lost. */
  isFromProcess = false
  /** Called once when the body has ended and the last wait inside the frame as well. */
  onQuiet: (() => void) | null = null
  /** The waits that the newest cancel has struck and whose turns are still to come; nearly always one. */
  #struck: Reaction | Set<Reaction> | null = null
  #newestStruck = 0
  #isConfirmed = false
  /** The cancel was asked for by running code of the frame, so a flow exists beside those that wait. */
  #isFromInside = false
  /** A struck flow has gone on into a foreign await, as clean-up does. */
  #hasGoneOn = false
  /** The turn in which a struck wait throws. */
  #isInTurn = false
  /** The scope of the frame is cancelled: every wait inside it throws until it ends. */
  isLevel = false
  levelReason: unknown = undefined
  #controller: AbortController | null = null
  #isAborted = false

  constructor(frame: Frame) {
    this.#frame = frame
  }

  get signal(): AbortSignal {
    const cancelled = this.#frame.cancelling() > 0 || this.#frame.isLevelCancelled()
    // Not by `signal.aborted`, because a look at that counts as the delivery of the cancel.
    if (this.#isAborted && !cancelled) this.#controller = null
    if (this.#controller === null) {
      this.#controller = new AbortController()
      this.#isAborted = cancelled
      if (cancelled) this.#controller.abort(toCancelledError(this.#frame.newestMessage()))
    }
    return this.#controller.signal
  }

  /**
   * Tells the signal, if there is one, of a cancel. A later look at the signal takes the cancel that is pending in
   * `pendingIn`. Returns whether a listener has taken the reason, and so the cancel.
   */
  abort(message: string | CancelledError | undefined, pendingIn: Cancellation | null): boolean {
    if (this.#controller === null || this.#isAborted) return false
    this.#isAborted = true
    return abortSignal(this.#controller, toCancelledError(message), () => {
      if (pendingIn !== null) pendingIn.isSeen = pendingIn.pending
    })
  }

  /** A cancel is asked for. */
  begin(isFromInside: boolean): void {
    this.count++
    this.wasAsked = true
    this.#isConfirmed = false
    this.#isFromInside = isFromInside
    this.#hasGoneOn = false
    this.isSeen = false
  }

  beginLevel(reason: unknown): void {
    this.isLevel = true
    this.levelReason = reason
    this.wasAsked = true
  }

  /** Whether a cancel is to end the next wait. False when code has looked at the aborted signal, which is the delivery. */
  get isDue(): boolean {
    return this.pending && !this.isSeen
  }

  /** Whether a pending cancel strikes the wait that begins or resumes now; one that was seen is over then. */
  takeDue(): boolean {
    if (!this.pending || !this.isSeen) return this.pending
    this.pending = false
    this.isSeen = false
    return false
  }

  /** Asked for by running code of the frame, and not delivered since to a wait that this code has begun. */
  get isFromInside(): boolean {
    return this.#isFromInside
  }

  /** The running code asks for the cancel again. */
  again(): void {
    this.pending = true
    this.isSeen = false
    this.remembered = undefined
    this.#isFromInside = true
  }

  takeBack(): void {
    if (this.count > 0 && --this.count === 0) this.pending = false
  }

  /** The pending cancel has ended the wait that code of the frame has just begun. */
  strikeNew(key: Reaction, began: number): void {
    this.pending = false
    this.#isFromInside = false
    this.strike(key, began)
  }

  /** The cancel has ended the wait that `key` stands for, whose turn is still to come. */
  strike(key: Reaction, began: number): void {
    const struck = this.#struck
    if (struck === null) this.#struck = key
    else if (struck instanceof Set) struck.add(key)
    else this.#struck = new Set([struck, key])
    if (began > this.#newestStruck) this.#newestStruck = began
  }

  /** The cancel was remembered, and throws in the turn of a wait that had ended by itself. */
  strikeNow(began: number): void {
    if (began > this.#newestStruck) this.#newestStruck = began
  }

  /** In the turn of a wait: whether this cancel has struck it. */
  takeStruck(key: Reaction): boolean {
    const struck = this.#struck
    if (struck === key) {
      this.#struck = null
      return true
    }
    if (!(struck instanceof Set) || !struck.delete(key)) return false
    if (struck.size === 0) this.#struck = null
    return true
  }

  /** The turn in which a struck wait throws begins. */
  beginTurn(): void {
    this.#isInTurn = true
  }

  /** The struck flow goes on: it has begun a foreign await, or something else that makes a promise. */
  goOn(): void {
    this.#hasGoneOn = true
  }

  get isInTurn(): boolean {
    return this.#isInTurn
  }

  /** The body has ended, or a wait has begun. */
  confirm(): void {
    if (this.#isInTurn) this.#isConfirmed = true
  }

  /** The turn is over. `canSeeFlows`: whether `goOn` would have been called. */
  endTurn(canSeeFlows: boolean): void {
    this.#isInTurn = false
    if (this.#isConfirmed || this.#struck !== null || this.#frame.state !== 0) return
    if (
      this.isFromProcess ||
      this.#isFromInside ||
      this.#frame.newestEnded > this.#newestStruck ||
      (canSeeFlows && !this.#hasGoneOn)
    ) {
      this.pending = this.count > 0
      this.remembered = this.message
    }
  }

  becameQuiet(): void {
    const { onQuiet } = this
    this.onQuiet = null
    onQuiet?.()
  }

  /** Node's own APIs make the signal's reason the cause of an AbortError; other libraries throw one without a cause. */
  isOwnAbort(error: unknown): boolean {
    return (
      (this.count > 0 || this.isLevel) &&
      error instanceof Error &&
      error.name === 'AbortError' &&
      (isCancelled(error.cause) || this.#isAborted)
    )
  }
}
