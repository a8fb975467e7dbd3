import { currentFrame } from '../context/current.ts'
import { type CancelledError, isCancelled, toCancelledError } from '../errors/errors.ts'
import type { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import { abortSignal } from './abort-signal.ts'
import type { Frame } from './frame.ts'

/**
 * The number of pending cancels in this thread plus the number of cancelled scopes that have not ended. While it is 0,
 * no wait of the thread has to be ended, and `cancelIsDue` need not search.
 */
let open = 0

/**
 * The cancels of one frame (the running body of a task or scope): their number, whether a cancel is pending, and the
 * AbortSignal that aborts on a cancel. A cancel is pending while it has ended no wait yet. It then ends a later wait.
 *
 * The problem: a cancel must be delivered once. asyncio throws it into the task's only wait. Here a task can have
 * several flows of control, such as the branches of a `Promise.all`. The wait that the cancel has ended may belong to a
 * flow that the program has abandoned, such as a loser of `Promise.race`. At the same time, the main flow may await a
 * foreign promise (a promise that is not a future), which a cancel cannot end. Then the main flow would never get the
 * cancel.
 *
 * The idea: the ended wait throws the CancelledError in a later turn (one step of the loop). If the body of the frame
 * ends in that turn, or a new wait begins in the frame, the delivery is confirmed: the main flow has got the cancel. If
 * not, the cancel becomes pending again, but only if there is evidence that another flow exists: a newer wait has ended
 * meanwhile, or code of the frame ran while the cancelled wait was pending, or the flow that got the error has made no
 * new promise and so has ended (`promise-hook.ts`). Without such evidence, the flow that got the error probably awaits
 * a foreign promise in its clean-up, and the same cancel must not end the next wait of that clean-up.
 */
export class Cancellation {
  readonly #frame: Frame
  /** The number of cancels of this frame that were asked for and not taken back. */
  count = 0
  /** Whether code has ever asked for a cancel of this frame itself. A cancel of a frame around it does not count. */
  wasAsked = false
  /**
   * True while a cancel of this frame is passed on to the futures that the task waits on. A cancel that arrives at this
   * frame during that time has gone round a circle of tasks that wait for each other.
   */
  isBeingPassedOn = false
  #pending = false
  /** Whether the pending cancel became pending while no code of the task ran. */
  #isFromElsewhere = false
  /** Whether the scope of the frame is cancelled and has not ended. If so, `open` counts this scope. */
  #isScopeCancelOpen = false
  /**
   * Whether code has read the aborted signal since the cancel became pending. Then the cancel counts as delivered and
   * ends no wait any more. But if the body of the task returns before its next wait, the task still ends as cancelled.
   */
  isSeen = false
  message: string | CancelledError | undefined = undefined
  /**
   * The future of the wait that the newest cancel has ended. The stack of the task's CancelledError names this future.
   */
  cancelledFuture: Future<unknown> | null = null
  /** The message of the pending cancel, or of the last one that was pending. */
  remembered: string | CancelledError | undefined = undefined
  /**
   * Whether a signal of the process (SIGINT or SIGTERM) has asked for the cancel. Such a cancel must not be lost, so it
   * is thrown at one wait after another, until it is certain that the main flow of control has got it.
   */
  isFromProcess = false
  /** Called once, when the body has ended and no wait is left inside the frame. The scope or task then ends. */
  onQuiet: (() => void) | null = null
  /**
   * The waits that the newest cancel has ended and that have not thrown the CancelledError yet; nearly always one. A
   * wait is stored by its key, the object that identifies the wait in its frame.
   */
  #cancelledWaits: Reaction | Set<Reaction> | null = null
  #newestCancelledWait = 0
  #isConfirmed = false
  /**
   * Whether code that was running in the frame has asked for the cancel. If so, and if a wait of the frame was pending
   * at that moment, two flows of control exist in the frame: the code that ran and the code that waited.
   */
  #isFromInside = false
  /**
   * Whether code has made a promise in the turn in which its wait threw the CancelledError. An `await` of a promise
   * that is not a future makes a new promise. So that code may be in such an `await`, for example in its clean-up.
   */
  #hasMadePromise = false
  /** True during the turn in which a wait throws because of the cancel. */
  #isThrowing = false
  /**
   * Whether the scope of the frame is cancelled: then every wait inside throws, until the scope ends
   * (`level-cancel.ts`).
   */
  isScopeCancelled = false
  scopeCancelReason: unknown = undefined
  #controller: AbortController | null = null
  #isAborted = false

  constructor(frame: Frame) {
    this.#frame = frame
  }

  /**
   * Whether a cancel may be due anywhere in this thread. `cancelIsDue` searches the frames only if this is true. If a
   * task or scope is garbage-collected while its cancel is pending, this function returns true for ever. Then
   * `cancelIsDue` is slower, but its result is the same.
   */
  static isAnyOpen(): boolean {
    return open > 0
  }

  /** Whether a cancel is to be delivered when code of the frame next begins a wait or resumes from one. */
  get pending(): boolean {
    return this.#pending
  }

  set pending(isPending: boolean) {
    if (isPending !== this.#pending) open += isPending ? 1 : -1
    this.#pending = isPending
    this.#isFromElsewhere = isPending && currentFrame()?.task !== this.#frame.task
  }

  /** Whether a cancel is pending that came while no code of the task ran. */
  get isPendingFromElsewhere(): boolean {
    return this.#pending && this.#isFromElsewhere
  }

  get signal(): AbortSignal {
    const cancelled = this.#frame.cancelling() > 0 || this.#frame.isLevelCancelled()
    // `signal.aborted` is not read here, because reading it counts as the delivery of the cancel.
    if (this.#isAborted && !cancelled) this.#controller = null
    if (this.#controller === null) {
      this.#controller = new AbortController()
      this.#isAborted = cancelled
      if (cancelled) this.#controller.abort(toCancelledError(this.#frame.newestMessage()))
    }
    return this.#controller.signal
  }

  /**
   * Aborts the signal, if there is one. If code reads the aborted signal, the cancel counts as delivered. Returns true
   * if a listener has read the signal during this call. `pendingIn` is the Cancellation of the cancelled frame, which
   * is this frame or a frame around it; null if a scope was cancelled. If code reads the signal later, while a cancel
   * is pending in `pendingIn`, that cancel is marked as seen, so that it ends no wait.
   */
  abort(message: string | CancelledError | undefined, pendingIn: Cancellation | null): boolean {
    if (this.#controller === null || this.#isAborted) return false
    this.#isAborted = true
    return abortSignal(this.#controller, toCancelledError(message), () => {
      if (pendingIn !== null) pendingIn.isSeen = pendingIn.pending
    })
  }

  /** Notes that code asks for a cancel. `isFromInside` says whether this code runs inside this frame. */
  begin(isFromInside: boolean): void {
    this.count++
    this.wasAsked = true
    this.#isConfirmed = false
    this.#isFromInside = isFromInside
    this.#hasMadePromise = false
    this.isSeen = false
  }

  beginScopeCancel(reason: unknown): void {
    if (!this.isScopeCancelled) open++
    this.#isScopeCancelOpen = true
    this.isScopeCancelled = true
    this.scopeCancelReason = reason
    this.wasAsked = true
  }

  /** Notes that the scope of the frame has ended. */
  endScopeCancel(): void {
    if (this.#isScopeCancelOpen) open--
    this.#isScopeCancelOpen = false
  }

  /**
   * Whether a cancel is to end the next wait. False if code has read the aborted signal, because that counts as the
   * delivery of the cancel.
   */
  get isDue(): boolean {
    return this.pending && !this.isSeen
  }

  /**
   * Called when a wait begins or resumes. Returns whether a pending cancel must end that wait. If code has read the
   * aborted signal, the cancel ends no wait, and this call makes it no longer pending.
   */
  takeDue(): boolean {
    if (!this.pending || !this.isSeen) return this.pending
    this.pending = false
    this.isSeen = false
    return false
  }

  /**
   * Whether code that was running in the frame has asked for the cancel, and the cancel has not yet ended a wait that
   * this code has begun after that.
   */
  get isFromInside(): boolean {
    return this.#isFromInside
  }

  /**
   * Makes the cancel pending again, because the running code has thrown another error in place of the CancelledError.
   * The next wait then throws the cancel.
   */
  again(): void {
    this.pending = true
    this.isSeen = false
    this.remembered = undefined
    this.#isFromInside = true
  }

  /** Takes one cancel back. If no other cancel is left, no cancel is pending after this call. */
  takeBack(): void {
    if (this.count > 0 && --this.count === 0) this.pending = false
  }

  /**
   * Notes that the pending cancel has ended a wait that code of the frame has just begun. `key` identifies that wait,
   * and `began` is its number.
   */
  noteNewWaitCancelled(key: Reaction, began: number): void {
    this.pending = false
    this.#isFromInside = false
    this.noteWaitCancelled(key, began)
  }

  /**
   * Notes that the cancel has ended a wait, which will throw in a later turn. `key` identifies the wait. `began` is the
   * number of the wait. Waits are numbered in the order in which they begin, so `endTurn` can tell whether a newer wait
   * has ended.
   */
  noteWaitCancelled(key: Reaction, began: number): void {
    const waits = this.#cancelledWaits
    if (waits === null) this.#cancelledWaits = key
    else if (waits instanceof Set) waits.add(key)
    else this.#cancelledWaits = new Set([waits, key])
    if (began > this.#newestCancelledWait) this.#newestCancelledWait = began
  }

  /**
   * Notes that the pending cancel is thrown now, in the turn of the wait with the number `began`. The future of that
   * wait was not cancelled: it had ended by itself.
   */
  noteThrownNow(began: number): void {
    if (began > this.#newestCancelledWait) this.#newestCancelledWait = began
  }

  /**
   * Called in the turn of the wait that `key` identifies. Returns whether the cancel has ended that wait. The wait is
   * removed from the list of such waits, so a second call returns false.
   */
  takeCancelledWait(key: Reaction): boolean {
    const waits = this.#cancelledWaits
    if (waits === key) {
      this.#cancelledWaits = null
      return true
    }
    if (!(waits instanceof Set) || !waits.delete(key)) return false
    if (waits.size === 0) this.#cancelledWaits = null
    return true
  }

  /**
   * Called at the beginning of a turn in which a wait throws the CancelledError. Until `endTurn`, the calls of
   * `confirm` and `notePromiseMade` tell what the code does with that error.
   */
  beginTurn(): void {
    this.#isThrowing = true
  }

  /**
   * Notes that code has made a promise after its wait threw the CancelledError. So that code continues, perhaps with an
   * `await` of a promise that is not a future.
   */
  notePromiseMade(): void {
    this.#hasMadePromise = true
  }

  get isThrowing(): boolean {
    return this.#isThrowing
  }

  /**
   * Called when the body of the frame has ended, or a wait has begun in the frame. If that happens in the turn in which
   * a wait throws the CancelledError, the main flow of control has got the cancel, and it is not thrown again.
   */
  confirm(): void {
    if (this.#isThrowing) this.#isConfirmed = true
  }

  /**
   * Called at the end of the turn in which a wait has thrown the CancelledError. Makes the cancel pending again if it
   * was not confirmed that the main flow of control has got it, and if there is evidence that another flow has got it
   * instead. `canSeePromises` says whether `notePromiseMade` is called at all in this runtime.
   */
  endTurn(canSeePromises: boolean): void {
    this.#isThrowing = false
    if (this.#isConfirmed || this.#cancelledWaits !== null || this.#frame.state !== 0) return
    if (
      this.isFromProcess ||
      this.#isFromInside ||
      this.#frame.newestEnded > this.#newestCancelledWait ||
      (canSeePromises && !this.#hasMadePromise)
    ) {
      this.pending = this.count > 0
      this.remembered = this.message
    }
  }

  /**
   * Called when no wait is left inside the frame: calls `onQuiet` once, so that the cancelled scope or task can end.
   */
  becameQuiet(): void {
    const { onQuiet } = this
    this.onQuiet = null
    onQuiet?.()
  }

  /**
   * Whether `error` is an AbortError that the signal of this frame has caused. Node's APIs make the reason of the
   * signal the cause of an AbortError; other libraries throw an AbortError without a cause.
   */
  isOwnAbort(error: unknown): boolean {
    if (this.count === 0 && !this.isScopeCancelled) return false
    try {
      return (
        error instanceof Error &&
        error.name === 'AbortError' &&
        (isCancelled(error.cause) || this.#isAborted)
      )
    } catch {
      // The thrown value is a Proxy or has a getter, and reading a property of it throws.
      return false
    }
  }
}
