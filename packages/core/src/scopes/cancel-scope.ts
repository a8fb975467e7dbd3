import { checkBody, checkDelay, checkSignal, describe } from '../arguments.ts'
import { currentFrame } from '../context/current.ts'
import { isCancelled, TimeoutError } from '../errors/errors.ts'
import { isGroup } from '../errors/exception-group.ts'
import { Cancellation } from '../tasks/cancellation.ts'
import { ScopeFrame } from '../tasks/frame.ts'
import { cancelLevel, levelOf, strikeInside } from '../tasks/level-cancel.ts'
import { Deadline } from './deadline.ts'
import { endFrame, enterFrame, inFrame, throwOut } from './open-frame.ts'

/** The result of a scope: the value of the body, or the reason of the cancel that has ended the body. */
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
  /** Whether the scope keeps out cancels of the task and of the scopes around it. */
  shield?: boolean
  /** The name of the scope in snapshots. */
  name?: string
}

/**
 * A part of a program that can be cancelled as a whole, and of which nothing continues after its end. `cancelScope`
 * passes this object to its body.
 *
 * From the moment the scope is cancelled, every wait inside it throws CancelledError, until the scope ends. Inside are
 * the waits of the body, the calls that the body begins, and every task of a `taskGroup` that is opened in the scope.
 * A task made by a plain `createTask` is not inside.
 *
 * Source: trio.CancelScope. Differs: takes the body, so that it can see how the body ends; times are in milliseconds.
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
   * The reason of the first cancel of this scope; a TimeoutError if the deadline cancelled it. Undefined before a
   * cancel.
   */
  get reason(): unknown {
    return this.#reason
  }

  /** Whether this scope was cancelled: by `cancel()`, by its deadline or by its signal. */
  get cancelCalled(): boolean {
    return this.#isCancelCalled
  }

  /** Whether a cancel of this scope has ended the body, and not a cancel from outside. False while the body runs. */
  get cancelledCaught(): boolean {
    return this.#isCaught
  }

  /**
   * A signal for `fetch` and other APIs. It aborts when this scope is cancelled, or when a cancel from outside reaches
   * this scope.
   */
  get signal(): AbortSignal {
    this.#frame.cancellation ??= new Cancellation(this.#frame)
    return this.#frame.cancellation.signal
  }

  /**
   * The time at which this scope is cancelled, in milliseconds of the loop's clock; Infinity means no deadline. To set
   * this has no effect after the scope was cancelled or has ended.
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
    this.#timer = new Deadline(this.#frame.scopeLoop, deadline, () => {
      this.cancel(new TimeoutError('the deadline of the scope has passed'))
    })
  }

  /** @internal sets the first deadline; if that time has passed already, the scope is cancelled at once */
  begin(deadline: number): void {
    if (deadline > this.#frame.scopeLoop.time()) this.deadline = deadline
    else {
      this.#deadline = deadline
      this.cancel(new TimeoutError('the deadline of the scope has passed'))
    }
  }

  /**
   * Whether this scope keeps out cancels of the task and of the scopes around it. The body may change this while it
   * runs.
   */
  get shield(): boolean {
    return this.#frame.isShielded
  }

  set shield(shield: boolean) {
    if (typeof shield !== 'boolean') {
      throw new TypeError(`the shield of a scope must be a boolean, got ${describe(shield)}`)
    }
    this.#frame.setShield(shield, null)
    if (!shield) letIn(this.#frame)
  }

  /**
   * Cancels this scope. Any task may call this, any number of times; the first reason counts. Does nothing after the
   * scope has ended.
   */
  cancel(reason?: unknown): void {
    if (this.#isCancelCalled || this.#hasEnded) return
    this.#isCancelCalled = true
    this.#reason = reason
    this.#timer?.cancel()
    this.#timer = null
    cancelLevel(this.#frame, reason)
  }

  /**
   * @internal notes that the body has ended. `isCancel`: the body threw a cancel. `outerCancels`: how many cancels from
   * outside the frame had when the scope began; if there are more now, one has come from outside. Returns true if the
   * body threw a cancel, and it came from this scope and not from outside.
   */
  end(isCancel: boolean, outerCancels: number): boolean {
    this.#hasEnded = true
    this.#timer?.cancel()
    this.#timer = null
    const isOuter = !this.#frame.isShielded && isCancelledAround(this.#frame, outerCancels)
    this.#isCaught = isCancel && this.#isCancelCalled && !isOuter
    return this.#isCaught
  }
}

/**
 * Whether a cancel from outside has reached this scope. `outerCancels` is the number of such cancels when the scope
 * began; if there are more now, one has come. Then a CancelledError that leaves the body is thrown on to the code
 * around the scope.
 */
function isCancelledAround(frame: ScopeFrame, outerCancels: number): boolean {
  if (levelOf(frame.enclosing) !== null || frame.isStruckFromOutside) return true
  return (frame.parent?.visibleCancels() ?? 0) > outerCancels
}

/**
 * Called when the shield of `frame` was removed. The waits inside `frame` now get the cancels that the shield has kept
 * out.
 */
function letIn(frame: ScopeFrame): void {
  const level = levelOf(frame)
  if (level !== null) strikeInside(frame, level)
  else frame.deliverPending()
}

/**
 * Runs `body` in a scope that can be cancelled. If a cancel of this scope has ended the body, the result says so, and
 * nothing is thrown. A cancel from outside is thrown as CancelledError. A body that returns in spite of the cancel
 * gives its value. Outside of a task, the body runs in a new task.
 *
 * Prefer this to `timeout`: code inside that swallows the cancel cannot continue, because its next wait throws again.
 * A port from asyncio may need `timeout`, which cancels once.
 *
 * @throws {TypeError} when `body` is not a function, for wrong options, and for both a `timeout` and a `deadline`
 *
 * @example
 *     const result = await cancelScope(async (scope) => {
 *       stopButton.onclick = () => scope.cancel('stopped by the user')
 *       return await download()
 *     }, { timeout: 30_000 })
 *     if (result.cancelled) console.log('no download:', result.reason)
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
  if (shield !== undefined && typeof shield !== 'boolean') {
    throw new TypeError(`the option shield must be a boolean, got ${describe(shield)}`)
  }
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

async function runScope<T>(
  frame: ScopeFrame,
  body: (scope: CancelScope) => PromiseLike<T>,
  options: CancelScopeOptions,
): Promise<ScopeResult<T>> {
  const outerCancels = frame.visibleCancels()
  const scope = new CancelScope(frame, options.name ?? null)
  if (options.shield === true) scope.shield = true
  if (options.timeout !== undefined) {
    scope.begin(frame.scopeLoop.time() + Math.max(options.timeout, 0))
  } else if (options.deadline !== undefined) scope.begin(options.deadline)
  const { signal } = options
  const onAbort = (): void => scope.cancel(signal?.reason)
  if (signal?.aborted === true) onAbort()
  else signal?.addEventListener('abort', onAbort, { once: true })
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
    if (interrupted !== null) return throwOut(frame, interrupted)
    if (!isOwn) return throwOut(frame, error)
    if (rest === null) return { cancelled: true, reason: scope.reason }
    // oxlint-disable-next-line typescript/only-throw-error -- the errors that are not of the cancel
    throw rest
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

/**
 * Returns `error` without the CancelledErrors in it; null if nothing else is left. An AbortError that the signal of
 * `frame` has caused counts as a CancelledError. An error without a CancelledError is returned as it is.
 */
function withoutCancels(frame: ScopeFrame, error: unknown): unknown {
  if (isCancelled(error) || frame.isOwnAbort(error)) return null
  if (!isGroup(error)) return error
  const [cancels, rest] = error.split(isCancelled)
  return cancels === null ? error : rest
}

/**
 * Runs `body` for at most `ms` milliseconds. Then the scope of `body` is cancelled, and when the body has ended its
 * clean-up, TimeoutError is thrown. Unlike in `timeout`, code inside that swallows the cancel cannot continue: its
 * next wait throws again.
 *
 * @throws {TypeError} when `ms` is NaN or `body` is not a function
 * @throws {TimeoutError} when the time has passed
 *
 * @example
 *     const text = await failAfter(5_000, async () => {
 *       const response = await fetch(url, { signal: taskSignal() })
 *       return response.text()
 *     })
 *
 * Source: trio.fail_after
 */
export function failAfter<T>(ms: number, body: (scope: CancelScope) => PromiseLike<T>): Promise<T> {
  checkDelay(ms)
  checkBody('failAfter', body)
  return inFrame('scope', undefined, async (frame) => {
    const result = await runScope(frame, body, { timeout: ms })
    if (!result.cancelled) return result.value
    throw new TimeoutError('the time allowed has passed', { cause: result.reason })
  })
}

/**
 * Runs `body` for at most `ms` milliseconds; null or Infinity means no limit. Then the scope of `body` is cancelled.
 * Nothing is thrown for that: the result says whether the body was cancelled.
 *
 * @throws {TypeError} when `ms` is NaN or `body` is not a function
 *
 * @example
 *     const result = await moveOnAfter(100, () => cache.get(key))
 *     const value = result.cancelled ? fallback : result.value
 *
 * Source: trio.move_on_after
 */
export function moveOnAfter<T>(
  ms: number | null,
  body: (scope: CancelScope) => PromiseLike<T>,
): Promise<ScopeResult<T>> {
  if (ms !== null) checkDelay(ms)
  checkBody('moveOnAfter', body)
  return inFrame('scope', undefined, (frame) => runScope(frame, body, { timeout: ms ?? Infinity }))
}

/**
 * Runs `body` behind a shield: no cancel of the task or of a scope around gets in. Such a cancel is counted by
 * `cancelling()`, and is delivered at the first wait after the body. If `grace` is given, the shield is removed that
 * many milliseconds after the first cancel came. Use this for clean-up that must be completed.
 *
 * @throws {TypeError} when `body` is not a function or `grace` not a number of at least 0
 *
 * @example
 *     try {
 *       await work()
 *     } finally {
 *       await shielded(() => connection.sendGoodbye(), { grace: 2_000 })
 *     }
 *
 * Source: trio.CancelScope(shield=True). Differs: has a grace.
 */
export function shielded<T>(
  body: () => PromiseLike<T>,
  options: { grace?: number } = {},
): Promise<T> {
  checkBody('shielded', body)
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`the options must be an object, got ${describe(options)}`)
  }
  const grace = checkDelay(options.grace ?? Infinity)
  return inFrame('shield', undefined, (frame) => runShielded(frame, body, grace))
}

async function runShielded<T>(
  frame: ScopeFrame,
  body: () => PromiseLike<T>,
  grace: number,
): Promise<T> {
  let timer: Deadline | null = null
  const onHeldBack = (): void => {
    if (timer !== null || grace === Infinity) return
    timer = new Deadline(frame.scopeLoop, frame.scopeLoop.time() + grace, () => {
      frame.setShield(false, null)
      letIn(frame)
    })
  }
  frame.setShield(true, onHeldBack)
  if (levelOf(frame.enclosing) !== null || frame.parent?.mustCancel === true) onHeldBack()
  const outerCancels = frame.visibleCancels()
  const end = (): Promise<unknown> | null => {
    timer?.cancel()
    // If the shield is still up, cancels from outside did not reach the other flows of the body. So the scope does not
    // wait for those flows, and passes Infinity as the number of earlier cancels.
    return endFrame(frame, frame.isShielded ? Infinity : outerCancels)
  }
  try {
    const value = await enterFrame(frame, body, undefined)
    await end()
    return value
  } catch (error) {
    await end()
    return throwOut(frame, error)
  }
}

/**
 * The nearest scope of `cancelScope`, `failAfter` or `moveOnAfter` around the running code; null if there is none. For
 * a task of a group, the search continues with the scopes around the group.
 */
export function currentScope(): CancelScope | null {
  for (let frame = currentFrame(); frame !== null; frame = frame.enclosing) {
    if (frame instanceof ScopeFrame && frame.scope instanceof CancelScope) return frame.scope
  }
  return null
}

/**
 * Returns the nearest deadline of the scopes around the running code, in milliseconds of the loop's clock. Returns
 * Infinity if there is no deadline, and -Infinity if one of the scopes is cancelled already. Scopes outside of a
 * shield do not count.
 */
export function effectiveDeadline(): number {
  let nearest = Infinity
  for (let frame = currentFrame(); frame !== null; frame = frame.enclosing) {
    if (frame.cancellation?.isLevel === true) return -Infinity
    if (frame instanceof ScopeFrame && frame.scope !== null) {
      nearest = Math.min(nearest, frame.scope.deadline)
    }
    if (frame.isShielded) break
  }
  return nearest
}
