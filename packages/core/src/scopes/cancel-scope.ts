import { checkBody, checkDelay, checkFlag, checkSignal, describe } from '../arguments.ts'
import { cancelBehindAbort, isCancelled, TimeoutError } from '../errors/errors.ts'
import { isGroup } from '../errors/exception-group.ts'
import { onAbort } from '../futures/on-abort.ts'
import { Cancellation } from '../tasks/cancellation.ts'
import type { ScopeFrame } from '../tasks/scope-frame.ts'
import { cancelScopeOf, deliverKeptOut, findCancelledScope } from '../tasks/level-cancel.ts'
import { Deadline } from './deadline.ts'
import { endFrame, enterFrame, inFrame, throwEnd, throwOut } from './open-frame.ts'

/**
 * The result of `cancelScope` and `moveOnAfter`: the value that the body returned, or, if a cancel of the scope has
 * ended the body, the reason of that cancel.
 */
export type ScopeResult<T> = { cancelled: false; value: T } | { cancelled: true; reason: unknown }

export interface CancelScopeOptions {
  /** The scope is cancelled after this many milliseconds. */
  timeout?: number
  /**
   * The time of the loop's clock, in milliseconds, at which the scope is cancelled. Give either `timeout` or
   * `deadline`.
   */
  deadline?: number
  /** When this signal aborts, the scope is cancelled with the reason of the signal. */
  signal?: AbortSignal
  /**
   * Whether the scope is a shield: cancels of the task and of the scopes around it then do not end the waits in its
   * body. The default is false.
   */
  shield?: boolean
  /** The name of the scope in snapshots. */
  name?: string
}

/**
 * A scope: the call of a function (the body) that can be cancelled as a whole, with all calls that the body begins. A
 * cancelled scope ends only when the body has ended and none of these calls waits for a pending future any more.
 * `cancelScope` passes this object to its body.
 *
 * From the moment the scope is cancelled, every wait for a pending future inside it throws CancelledError, unless a
 * shield inside the scope keeps the cancel out. A wait to which a lock or an item is being handed at this moment still
 * gets it, and the next wait throws. The following waits are inside the scope: the waits of the body, the
 * waits of the calls that the body begins, and the waits of every task of a `taskGroup` that is opened in the scope.
 * The waits of a task made by a plain `createTask` are not inside.
 *
 * @example
 *     const { cancelled } = await cancelScope(async (scope) => {
 *       setTimeout(() => scope.cancel('the user has left'), 5)
 *       await sleepForever()
 *     })
 *     console.log(cancelled) // true
 *
 * Source: trio.CancelScope. Differs: `cancelScope` takes the body as a function, so that it can see how the body ends;
 * times are in milliseconds.
 */
export class CancelScope {
  readonly name: string | null
  readonly #frame: ScopeFrame
  #reason: unknown = undefined
  #isCancelCalled = false
  #isCaught = false
  #hasEnded = false
  #deadline = Infinity
  #timer: Deadline | null = null

  /** @internal use `cancelScope` */
  constructor(frame: ScopeFrame, name: string | null) {
    this.#frame = frame
    this.name = name
    frame.scope = this
  }

  /**
   * The reason of the first cancel of this scope. If the deadline cancelled the scope, the reason is a TimeoutError.
   * Before a cancel, it is undefined.
   */
  get reason(): unknown {
    return this.#reason
  }

  /** Whether this scope was cancelled: by `cancel()`, by its deadline or by its signal. */
  get cancelCalled(): boolean {
    return this.#isCancelCalled
  }

  /** Whether a cancel of this scope, and not a cancel from outside, has ended the body. False while the body runs. */
  get cancelledCaught(): boolean {
    return this.#isCaught
  }

  /**
   * A signal for `fetch` and other APIs. The signal aborts when this scope is cancelled, or when a cancel of the task
   * or of a scope around this one reaches this scope.
   */
  get signal(): AbortSignal {
    this.#frame.cancellation ??= new Cancellation(this.#frame)
    return this.#frame.cancellation.signal
  }

  /**
   * The time at which this scope is cancelled, in milliseconds of the loop's clock; Infinity means no deadline. Setting
   * the deadline has no effect after the scope was cancelled or has ended.
   */
  get deadline(): number {
    return this.#deadline
  }

  /** @throws {TypeError} when `deadline` is NaN or not a number */
  set deadline(deadline: number) {
    if (typeof deadline !== 'number' || Number.isNaN(deadline)) {
      throw new TypeError(`a deadline must be a number of milliseconds, got ${describe(deadline)}`)
    }
    if (this.#isCancelCalled || this.#hasEnded) return
    this.#deadline = deadline
    this.#timer?.cancel()
    this.#timer = null
    if (deadline === Infinity) return
    this.#timer = new Deadline(this.#frame.loop, deadline, () => {
      this.cancel(new TimeoutError('the deadline of the scope has passed'))
    })
  }

  /**
   * @internal Sets the first deadline of the scope. If the deadline has passed already, the scope is cancelled at once.
   */
  begin(deadline: number): void {
    if (deadline > this.#frame.loop.time()) this.deadline = deadline
    else {
      this.#deadline = deadline
      this.cancel(new TimeoutError('the deadline of the scope has passed'))
    }
  }

  /**
   * Whether this scope is a shield: cancels of the task and of the scopes around it then do not end the waits in its
   * body. The body may change this property while the body runs.
   */
  get shield(): boolean {
    return this.#frame.isShielded
  }

  set shield(shield: boolean) {
    if (typeof shield !== 'boolean') {
      throw new TypeError(`the shield of a scope must be a boolean, got ${describe(shield)}`)
    }
    this.#frame.setShield(shield, null)
    if (!shield) deliverKeptOut(this.#frame)
  }

  /**
   * Cancels this scope. Any task may call this function, and more than once; only the first reason is kept. A call
   * after the end of the scope does nothing.
   */
  cancel(reason?: unknown): void {
    if (this.#isCancelCalled || this.#hasEnded) return
    this.#isCancelCalled = true
    this.#reason = reason
    this.#timer?.cancel()
    this.#timer = null
    cancelScopeOf(this.#frame, reason)
  }

  /**
   * @internal Called when the body has ended. `isCancel` says whether the error of the body stands for a cancel, or is
   * an ExceptionGroup with a CancelledError in it. `outerCancels` is the number of cancels of the task and of the
   * scopes around this one when the body began. If this number is larger now, a cancel has come from outside. Returns
   * true if the scope must handle the cancel: this scope was cancelled, and no cancel came from outside. Otherwise the
   * caller throws the error of the body on.
   */
  end(isCancel: boolean, outerCancels: number): boolean {
    this.#hasEnded = true
    this.#frame.cancellation?.endScopeCancel()
    this.#timer?.cancel()
    this.#timer = null
    const isOuter = !this.#frame.isShielded && isCancelledAround(this.#frame, outerCancels)
    this.#isCaught = isCancel && this.#isCancelCalled && !isOuter
    return this.#isCaught
  }
}

/**
 * Whether the scope of `frame` (the object for that scope) must throw a CancelledError of its body on to the code
 * around it: a `cancelScope` around it is cancelled, or the task or another scope around it was cancelled since the
 * body began. `outerCancels` is the number of the latter cancels when the body began; if the number is larger now, one
 * has come.
 */
function isCancelledAround(frame: ScopeFrame, outerCancels: number): boolean {
  if (findCancelledScope(frame.enclosing) !== null || frame.isCancelledFromOutside) return true
  return (frame.parent?.visibleCancels() ?? 0) > outerCancels
}

/**
 * Runs `body` in a scope that can be cancelled. If a cancel of this scope has ended the body, nothing is thrown, and
 * the result has `cancelled: true`. If a cancel of the task, or of a scope around this one, has ended the body, a
 * CancelledError is thrown. If the body returns a value in spite of the cancel, the result has that value. Outside of a
 * task, the body runs in a new task.
 *
 * Prefer this function to `timeout`: after the cancel of a `cancelScope`, every wait in the body throws, even if code
 * in the body catches the first CancelledError. The cancel of a `timeout` is thrown only once, as in asyncio.
 *
 * @throws {TypeError} when `body` is not a function, for wrong options, and for both a `timeout` and a `deadline`
 *
 * @example
 *     const stop = new AbortController()
 *     setTimeout(() => stop.abort('stopped by the user'), 5)
 *     const result = await cancelScope(() => sleep(60_000, 'the file'), { signal: stop.signal })
 *     if (result.cancelled) console.log('no download:', result.reason) // no download: stopped by the user
 *
 * Source: trio.CancelScope
 */
export function cancelScope<T>(
  body: (scope: CancelScope) => PromiseLike<T>,
  options: CancelScopeOptions = {},
): Promise<ScopeResult<T>> {
  checkBody('cancelScope', body)
  checkScopeOptions(options)
  return inFrame('scope', options.name, (frame) => runScope(frame, body, options))
}

function checkScopeOptions(options: CancelScopeOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`the options must be an object, got ${describe(options)}`)
  }
  const { timeout, deadline, signal, shield, name } = options
  if (timeout !== undefined && deadline !== undefined) {
    throw new TypeError('a scope takes a timeout or a deadline, not both')
  }
  if (timeout !== undefined) checkDelay(timeout)
  if (deadline !== undefined) checkDeadlineOption(deadline)
  if (signal !== undefined) checkSignal(signal)
  if (shield !== undefined) checkFlag('shield', shield)
  if (name !== undefined && typeof name !== 'string') {
    throw new TypeError(`the option name must be a string, got ${describe(name)}`)
  }
}

function checkDeadlineOption(deadline: unknown): void {
  if (typeof deadline === 'number' && !Number.isNaN(deadline)) return
  throw new TypeError(
    `the option deadline must be a number of milliseconds, got ${describe(deadline)}`,
  )
}

/**
 * Runs `body` in a new scope. `frame` is the object that lists the waits of the body. `cancelScope`, `failAfter` and
 * `moveOnAfter` share this function.
 */
export async function runScope<T>(
  frame: ScopeFrame,
  body: (scope: CancelScope) => PromiseLike<T>,
  options: CancelScopeOptions,
): Promise<ScopeResult<T>> {
  const outerCancels = frame.visibleCancels()
  const scope = new CancelScope(frame, options.name ?? null)
  if (options.shield === true) scope.shield = true
  if (options.timeout !== undefined) {
    scope.begin(frame.loop.time() + Math.max(options.timeout, 0))
  } else if (options.deadline !== undefined) scope.begin(options.deadline)
  const { signal } = options
  const forgetSignal =
    signal === undefined ? null : onAbort(signal, () => scope.cancel(signal.reason))
  try {
    const value = await enterFrame(frame, body, scope)
    const interrupted = await (endFrame(frame, outerCancels) ?? null)
    scope.end(false, outerCancels)
    if (interrupted !== null) return throwOut(frame, interrupted)
    return { cancelled: false, value }
  } catch (error) {
    const interrupted = await (endFrame(frame, outerCancels) ?? null)
    const rest = withoutCancels(frame, error)
    const isOwn = scope.end(rest !== error, outerCancels)
    if (!isOwn || interrupted !== null) return throwEnd(frame, error, rest === null, interrupted)
    if (rest === null) return { cancelled: true, reason: scope.reason }
    // oxlint-disable-next-line typescript/only-throw-error -- `rest` holds the errors that the cancel did not cause
    throw rest
  } finally {
    frame.liftShield()
    forgetSignal?.()
  }
}

/**
 * Returns what is left of `error`, which the body has thrown, without the CancelledErrors in it; null if nothing is
 * left. An AbortError that a cancel has caused counts as a CancelledError. In an ExceptionGroup it counts only if its
 * cause is a CancelledError: any other AbortError there is the failure of a task, because an AbortError of a cancel
 * ends its task as cancelled. An error that contains no CancelledError is returned unchanged. `frame` is the object for
 * the scope.
 */
function withoutCancels(frame: ScopeFrame, error: unknown): unknown {
  if (frame.cancelOf(error) !== null) return null
  if (!isGroup(error)) return error
  const [cancels, rest] = error.split(
    (each) => isCancelled(each) || cancelBehindAbort(each) !== null,
  )
  return cancels === null ? error : rest
}
