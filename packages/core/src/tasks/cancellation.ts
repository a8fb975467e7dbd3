import { currentFrame } from '../context/current.ts'
import { type CancelledError, toCancelledError } from '../errors/errors.ts'
import type { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import { abortSignal } from './abort-signal.ts'
import type { Frame } from './frame.ts'
import { OPEN } from './frame-state.ts'
import { isUnsettled } from './promise-hook.ts'

/**
 * The number of pending cancels in this thread, plus the number of cancelled scopes that have not ended. Each operation
 * that need not wait, such as `get()` of a queue with items, calls `cancelIsDue`. If this number is 0, `cancelIsDue`
 * returns false without a search of the scopes for a cancel.
 */
let open = 0

/** Keys of waits (objects that identify them). There is nearly always at most one, and then no Set is made. */
type Keys = Reaction | Set<Reaction> | null

function hasKey(keys: Keys, key: Reaction): boolean {
  return keys === key || (keys instanceof Set && keys.has(key))
}

function withKey(keys: Keys, key: Reaction): Keys {
  if (keys === null || keys === key) return key
  return keys instanceof Set ? keys.add(key) : new Set([keys, key])
}

function withoutKey(keys: Keys, key: Reaction): Keys {
  if (keys === key) return null
  if (!(keys instanceof Set)) return keys
  keys.delete(key)
  return keys.size === 0 ? null : keys
}

/**
 * The cancels of one frame (the object for one scope or task): how many were asked for, whether a cancel is pending,
 * and the AbortSignal that aborts on a cancel. A pending cancel is remembered, and ends the wait that begins next.
 *
 * The problem: a cancel must be delivered once. A task of asyncio waits in one place, and the cancel is thrown there.
 * Here a task can wait in several places at the same time, such as the branches of a `Promise.all`. The cancel may end
 * a wait of code that the program has abandoned, such as a loser of `Promise.race`. At the same time, the body may
 * await a promise that this library did not make, which a cancel cannot end. Then the body would never get the cancel.
 *
 * The idea: the ended wait throws the CancelledError in a later turn (one step of the loop). If the body of the frame
 * ends in that turn, or the code that got the error begins a wait, the cancel counts as delivered to the body.
 * Otherwise the cancel becomes pending again in three cases, because the code that got the error may not be the body.
 * (1) A newer wait of the frame has ended too, so other code of the frame runs as well. (2) Running code of the frame
 * has asked for the cancel, while other code of the frame waited. (3) Each promise that the code that got the error has
 * made in that turn is settled (`promise-hook.ts`), so this code has ended, and the body has not. In any other case, the
 * code that got the error is probably the body: it awaits, in its clean-up, a promise that this library did not make,
 * and the same cancel must not end the next wait of that clean-up. Only a cancel by SIGINT or SIGTERM becomes pending
 * again in this case too. The comment in `cancel-rest.ts` says which waits a cancel ends.
 */
export class Cancellation {
  readonly #frame: Frame
  /** The number of cancels of this scope or task that were asked for and not taken back. */
  count = 0
  /**
   * Whether code has ever asked for a cancel of this scope or task itself, or this is a group whose body has failed. A
   * cancel of a scope or task around it does not count.
   */
  wasAsked = false
  /**
   * True while a cancel of this scope or task is passed on to the futures that its code waits on. If this cancel comes
   * back to the same task during that time, tasks wait for each other in a circle.
   */
  isBeingPassedOn = false
  #pending = false
  /**
   * Whether the pending cancel came from code outside of the task. An operation that can finish without a wait, such as
   * `get` of a queue that is not empty, asks `cancelIsDue()` first, and is put off if it returns true. It returns true
   * only for a cancel from outside. As in asyncio, a cancel by the task itself ends only a real wait.
   */
  #isFromElsewhere = false
  /**
   * Whether the scope of this Cancellation was cancelled and has not ended. `open`, the number of such scopes in this
   * thread, then includes the scope.
   */
  #isScopeCancelOpen = false
  /**
   * Whether code has read `aborted` or `reason` of the AbortSignal while the cancel is pending. That code knows of the
   * cancel, so the cancel ends no wait any more. But if the body of the task returns before its next wait, the task
   * still ends as cancelled.
   */
  isSeen = false
  message: string | CancelledError | undefined = undefined
  /**
   * For a task: the future of the wait that the newest cancel of the task, or of a scope in it, has ended. The stack of
   * the task's CancelledError names this future.
   */
  cancelledFuture: Future<unknown> | null = null
  /**
   * The message of the pending cancel, or of the cancel that is owed to waits, for the CancelledErrors that the waits
   * will throw. When a wait throws, the cancel may not be pending any more. So the message is not cleared with
   * `pending`; the next cancel replaces it.
   */
  remembered: string | CancelledError | undefined = undefined
  /**
   * Whether a signal of the process (SIGINT or SIGTERM) has asked for the cancel. Such a cancel must not be lost, so it
   * is thrown at one wait after another, until it is certain that the body of the task has got the cancel. The
   * next cancel after that sets this field back to false, and so does `takeBack` when it takes the last cancel back.
   */
  isFromProcess = false
  /**
   * While the body of a cancelled scope or task has ended, and async calls that the body has begun and not awaited
   * still wait: the function that ends the scope or task. It is called once, when no such wait is left or the task is
   * abandoned (ended at once). Otherwise null.
   */
  onQuiet: (() => void) | null = null
  /**
   * The waits that the newest cancel has ended and that have not thrown the CancelledError yet; nearly always one. Each
   * wait is stored by its key, the object that identifies it.
   */
  #cancelledWaits: Keys = null
  #newestCancelledWait = 0
  /**
   * The clean-up waits that have not ended: waits of code that has got the newest cancel. Each wait is stored by its
   * key.
   */
  #cleanUpWaits: Keys = null
  /**
   * Whether code that has got the newest cancel runs in this turn (one step of the loop). Each wait that this code
   * begins in this turn is then a clean-up wait.
   */
  #isCleanUpTurn = false
  /**
   * The waits that the newest cancel could not end, because their future has ended or is about to take a lock or an
   * item. They throw the CancelledError when they resume. Each wait is stored by its key.
   */
  #owedWaits: Keys = null
  /**
   * Whether the pending cancel has ended a wait in this turn (one step of the loop). It ends each further wait that
   * begins before the end of this turn, and is not pending any more after that.
   */
  #isTaken = false
  #isConfirmed = false
  /**
   * Whether running code of this scope or task itself has asked for the cancel. If the cancel has then ended a wait of
   * the same scope or task, two pieces of code run independently of each other: the code that asked and the code that
   * waited. `endTurn` takes this as evidence that the code that waited may not be the body.
   */
  #isFromInside = false
  /** The promises that code has made in this turn (one step of the loop), in which a wait throws the newest cancel. */
  #promisesMade: Promise<unknown>[] = []
  /**
   * Whether a promise was not settled at the end of the turn (one step of the loop) in which it was made, and a wait
   * threw the newest cancel in that turn. An `await` of a promise that is not a future makes such a promise. So if this
   * is false, no code that got the error is in such an `await`.
   */
  #mayGoOn = false
  /** True during the turn (one step of the loop) in which a wait throws because of the cancel. */
  #isThrowing = false
  /**
   * True if this object belongs to a `cancelScope`, or to a similar scope such as `failAfter`, and the scope was
   * cancelled. Every wait inside the scope then throws, until the scope ends (`level-cancel.ts`).
   */
  isScopeCancelled = false
  scopeCancelReason: unknown = undefined
  #controller: AbortController | null = null
  #isAborted = false

  constructor(frame: Frame) {
    this.#frame = frame
  }

  /**
   * Whether any cancel in this thread is pending, or any cancelled scope has not ended. Only then does `cancelIsDue`
   * search the scopes around the running code. If a task or scope with a pending cancel is garbage-collected, this
   * function returns true for ever. Then each call of `cancelIsDue` searches, but its result is the same.
   */
  static isAnyOpen(): boolean {
    return open > 0
  }

  /**
   * Whether a cancel is pending: the code of this scope or task that next begins a wait, or resumes from one, gets a
   * CancelledError, unless it has got this cancel before.
   */
  get pending(): boolean {
    return this.#pending
  }

  set pending(isPending: boolean) {
    if (isPending !== this.#pending) open += isPending ? 1 : -1
    this.#pending = isPending
    this.#isTaken = false
    this.#isFromElsewhere = isPending && currentFrame()?.task !== this.#frame.task
  }

  /**
   * Whether there is a pending cancel that came from code outside of the task.
   */
  get isPendingFromElsewhere(): boolean {
    return this.#pending && this.#isFromElsewhere
  }

  get signal(): AbortSignal {
    const cancelled = this.#frame.visibleCancels() > 0 || this.#frame.isLevelCancelled()
    // `signal.aborted` is not read here, because code that reads it counts as code that has got the cancel.
    if (this.#isAborted && !cancelled) this.#controller = null
    if (this.#controller === null) {
      this.#controller = new AbortController()
      this.#isAborted = false
      if (cancelled) this.abort(this.#frame.newestMessage(), this.#frame.newestCancellation())
    }
    return this.#controller.signal
  }

  /**
   * Aborts the AbortSignal of this scope or task, if there is one. Returns true if a listener of the signal has read
   * `aborted` or `reason` during this call: that code knows of the cancel, which then need not end a wait.
   *
   * `pendingIn` is the Cancellation of the scope or task that was cancelled: this one, or one around it. If code reads
   * the signal later, and the cancel is still pending then, the cancel ends no wait either. `pendingIn` is null if a
   * `cancelScope` was cancelled, because every wait in such a scope throws in any case.
   */
  abort(message: string | CancelledError | undefined, pendingIn: Cancellation | null): boolean {
    if (this.#controller === null || this.#isAborted) return false
    this.#isAborted = true
    return abortSignal(this.#controller, toCancelledError(message), () => {
      if (pendingIn !== null) pendingIn.isSeen = pendingIn.pending
    })
  }

  /**
   * Notes that code asks for a cancel of this scope or task. `isFromInside` says whether this code is itself code of
   * the scope or task.
   */
  begin(isFromInside: boolean): void {
    this.count++
    this.wasAsked = true
    // If the body has not got the cancel of a signal yet, that cancel must still not be lost.
    if (this.#isConfirmed) this.isFromProcess = false
    this.#isConfirmed = false
    this.#isFromInside = isFromInside
    this.#mayGoOn = false
    this.#cleanUpWaits = null
    this.#owedWaits = null
    this.#isCleanUpTurn = false
    this.isSeen = false
  }

  beginScopeCancel(reason: unknown): void {
    if (!this.isScopeCancelled) open++
    this.#isScopeCancelOpen = true
    this.isScopeCancelled = true
    this.scopeCancelReason = reason
    this.wasAsked = true
  }

  /** Notes that the scope has ended. The counter `open` then does not include this scope any more. */
  endScopeCancel(): void {
    if (this.#isScopeCancelOpen) open--
    this.#isScopeCancelOpen = false
  }

  /**
   * Whether the running code is code that has got the newest cancel. `Trail` finds the code that descends from the code
   * that this turn has resumed. If the runtime cannot tell, all code that runs in this turn counts.
   */
  get isCleaningUp(): boolean {
    return this.#isCleanUpTurn && !this.#frame.loop.trail.isStray
  }

  /**
   * Whether a cancel is to end the next wait of the running code. False if code has read `aborted` or `reason` of the
   * AbortSignal since the cancel, because that code knows of the cancel; and if the running code has got the cancel.
   */
  get isDue(): boolean {
    return this.pending && !this.isSeen && !this.isCleaningUp
  }

  /**
   * Called when code begins a wait, or is about to resume from one. Returns whether a pending cancel must end this
   * wait. False if the running code has got this cancel before. If code has read `aborted` or `reason` of the
   * AbortSignal since the cancel, that code knows of the cancel: this method then forgets the cancel and returns false.
   */
  takeDue(): boolean {
    if (!this.pending || this.isCleaningUp) return false
    if (!this.isSeen) return true
    this.pending = false
    this.#owedWaits = null
    this.isSeen = false
    return false
  }

  /**
   * Whether running code of this scope or task itself has asked for the newest cancel. False again as soon as this
   * cancel has ended a wait that began after it.
   */
  get isFromInside(): boolean {
    return this.#isFromInside
  }

  /**
   * Makes the next wait of this scope or task throw a CancelledError, even if the running code has got the cancel.
   * Called when a scope throws another error in place of the CancelledError, because the cancel would otherwise be
   * lost.
   */
  again(): void {
    this.pending = true
    this.isSeen = false
    this.remembered = undefined
    this.#isFromInside = true
    this.#isCleanUpTurn = false
  }

  /**
   * Takes one cancel back. If no other cancel of this scope or task is left, its next wait does not throw a
   * CancelledError.
   */
  takeBack(): void {
    if (this.count === 0 || --this.count > 0) return
    this.pending = false
    this.isFromProcess = false
    this.#owedWaits = null
  }

  /**
   * Notes that the pending cancel has ended a wait that code has just begun. Until `endTaking` is called at the end of
   * this turn (one step of the loop), the cancel stays pending. So it also ends the other waits that begin in this
   * turn, such as those of the other branches of a `Promise.all`. Returns true for the first such wait of the turn.
   */
  takeForNewWait(): boolean {
    const isFirst = !this.#isTaken
    this.#isTaken = true
    this.#isFromInside = false
    return isFirst
  }

  /**
   * Makes the newest cancel pending until `endTaking` is called at the end of this turn (one step of the loop): it ends
   * each wait that begins in this turn.
   */
  pendThisTurn(): void {
    this.pending = true
    this.remembered = this.message
    this.#isFromElsewhere = true
    this.#isTaken = true
  }

  /**
   * Called at the end of a turn in which `takeForNewWait` or `pendThisTurn` was called. Makes the cancel no
   * longer pending, unless it became pending again in that turn.
   */
  endTaking(): void {
    if (this.#isTaken) this.pending = false
  }

  /**
   * Notes that the cancel has ended a wait, which will throw in a later turn (one step of the loop). `key` identifies
   * the wait, and `began` is its number: waits are numbered in the order in which they begin. If a wait with a higher
   * number has ended by the end of that turn, `endTurn` takes this as evidence that other code runs as well.
   */
  noteWaitCancelled(key: Reaction, began: number): void {
    this.#cancelledWaits = withKey(this.#cancelledWaits, key)
    if (began > this.#newestCancelledWait) this.#newestCancelledWait = began
  }

  /**
   * Notes that the cancel could not end a wait, because the future of the wait has ended or is about to take a lock or
   * an item. The wait throws when it resumes; `message` is the message of the cancel. `key` identifies the wait.
   */
  noteWaitOwed(key: Reaction, message: string | CancelledError | undefined): void {
    this.#owedWaits = withKey(this.#owedWaits, key)
    this.remembered = message
  }

  /**
   * Called if code has learnt of the newest cancel other than by a wait, for example by the AbortSignal. The waits that
   * the cancel could not end then do not throw.
   */
  noteLearnt(): void {
    this.#owedWaits = null
    if (!this.#isFromInside) this.beginLearningTurn()
  }

  /**
   * Called when code learns of the newest cancel by the AbortSignal, or gets it from a scope. Which code that is cannot
   * be known, so each wait that begins before no microtask is left is a clean-up wait.
   */
  beginLearningTurn(): void {
    const { task, loop } = this.#frame
    if (task !== null && this.beginCleanUpTurn()) loop.holdWithoutTrail(task)
  }

  /**
   * Called when code runs that gets the newest cancel now, or has got it before. Until the end of this turn (one step
   * of the loop), each wait that this code begins in this scope or task is a clean-up wait. Returns false, and does
   * nothing, if the cancel was taken back and the body has not ended.
   */
  beginCleanUpTurn(): boolean {
    const { task, state, loop } = this.#frame
    if (task === null || (this.count === 0 && state === OPEN)) return false
    if (!this.#isCleanUpTurn) {
      this.#isCleanUpTurn = true
      loop.atTurnEnd(() => {
        this.#isCleanUpTurn = false
      })
    }
    return true
  }

  /**
   * Called when the loop resumes the wait that `key` identifies. Returns whether the cancel could not end this wait,
   * and is to be thrown now. The wait is removed from the list of such waits.
   */
  takeOwedWait(key: Reaction): boolean {
    if (!hasKey(this.#owedWaits, key)) return false
    this.#owedWaits = withoutKey(this.#owedWaits, key)
    return !this.isSeen
  }

  /**
   * Whether the wait that `key` identifies throws a cancel when it resumes, although the cancel has not ended it.
   */
  isDueAt(key: Reaction): boolean {
    if (this.isSeen) return false
    return (this.isDue && !hasKey(this.#cleanUpWaits, key)) || hasKey(this.#owedWaits, key)
  }

  /**
   * Notes that the cancel is thrown now, although it has ended no wait: the wait of the code had ended by itself, or a
   * scope throws the cancel to the code around the scope. `began` is the number of that wait, or else of the newest
   * wait that has ended (waits are numbered in the order in which they begin). If a wait with a higher number ends in
   * this turn, `endTurn` takes this as evidence that other code runs as well.
   */
  noteThrownNow(began: number): void {
    if (began > this.#newestCancelledWait) this.#newestCancelledWait = began
  }

  /**
   * Called when the loop resumes the wait that `key` identifies. Returns whether the cancel has ended that wait. The
   * wait is removed from the list of such waits, so a second call returns false.
   */
  takeCancelledWait(key: Reaction): boolean {
    if (!hasKey(this.#cancelledWaits, key)) return false
    this.#cancelledWaits = withoutKey(this.#cancelledWaits, key)
    return true
  }

  /**
   * Called when the loop resumes the wait that `key` identifies. Returns whether it is a clean-up wait, and removes it
   * from the list of these waits.
   */
  takeCleanUpWait(key: Reaction): boolean {
    if (!hasKey(this.#cleanUpWaits, key)) return false
    this.#cleanUpWaits = withoutKey(this.#cleanUpWaits, key)
    return true
  }

  /**
   * Called when code has begun the wait that `key` identifies. If this code has got the newest cancel, the wait is a
   * clean-up wait.
   */
  noteWaitBegun(key: Reaction): void {
    // `key` may also stand for an earlier wait, which was dropped because it was no real wait.
    this.#owedWaits = withoutKey(this.#owedWaits, key)
    const waits = this.#cleanUpWaits
    this.#cleanUpWaits = this.isCleaningUp ? withKey(waits, key) : withoutKey(waits, key)
  }

  /**
   * Whether the code of the wait that `key` identifies has got the newest cancel, or will get it when the wait resumes.
   */
  hasReached(key: Reaction): boolean {
    return (
      hasKey(this.#cancelledWaits, key) ||
      hasKey(this.#cleanUpWaits, key) ||
      hasKey(this.#owedWaits, key)
    )
  }

  /**
   * Called at the beginning of a turn (one step of the loop) in which a wait throws the CancelledError. From now until
   * the call of `endTurn`, a call of `confirm` means that the body has ended or that code has begun another wait, and a
   * call of `notePromiseMade` means that code of this scope or task has made a promise. Both ignore code that does not
   * descend from the code that gets the error, if the runtime can tell.
   */
  beginTurn(): void {
    this.#isThrowing = true
  }

  /**
   * Notes that code of this scope or task has made `promise` after its wait threw the CancelledError. If `promise` is
   * not settled at the end of the turn (one step of the loop), the code may be in an `await` of a promise that is not a
   * future.
   */
  notePromiseMade(promise: Promise<unknown>): void {
    if (!this.#frame.loop.trail.isStray) this.#promisesMade.push(promise)
  }

  get isThrowing(): boolean {
    return this.#isThrowing
  }

  /**
   * Called when the body of this scope or task has ended, or its code has begun a wait. If the code that gets a
   * CancelledError in this turn (one step of the loop) has done so, the cancel counts as delivered to the body, and is
   * not thrown again.
   */
  confirm(): void {
    if (this.#isThrowing && !this.#frame.loop.trail.isStray) this.#isConfirmed = true
  }

  /**
   * Called at the end of the turn (one step of the loop) in which a wait has thrown the CancelledError. Makes the
   * cancel pending again, and returns true, if a signal of the process has asked for it, or if evidence shows that code
   * other than the body has got it (see the comment on this class). Does nothing if, in this turn, the body has ended
   * or code has begun a wait. `canSeePromises` says whether the runtime reports new promises to `notePromiseMade`.
   */
  endTurn(canSeePromises: boolean): boolean {
    this.#isThrowing = false
    this.#mayGoOn ||= this.#promisesMade.some(isUnsettled)
    this.#promisesMade = []
    if (this.#isConfirmed || this.#cancelledWaits !== null || this.#frame.state !== OPEN)
      return false
    if (
      this.isFromProcess ||
      this.#isFromInside ||
      this.#frame.newestEnded > this.#newestCancelledWait ||
      (canSeePromises && !this.#mayGoOn)
    ) {
      this.pending = this.count > 0
      this.remembered = this.message
      return this.pending
    }
    return false
  }

  /**
   * Ends the cancelled scope or task, whose body has ended: calls `onQuiet` once. Called when no call that the body has
   * begun waits any more. `abandon` calls this method earlier, to end the task without waiting for such calls.
   */
  becameQuiet(): void {
    const { onQuiet } = this
    this.onQuiet = null
    onQuiet?.()
  }

  /** Whether this scope or task was cancelled, and that cancel was not taken back. */
  get isCancelled(): boolean {
    return this.count > 0 || this.isScopeCancelled
  }

  /** Whether a cancel has aborted the newest AbortSignal of this scope or task. */
  get hasAborted(): boolean {
    return this.#isAborted
  }
}
