const cancelledBrand: symbol = Symbol.for('@tasktree/core.CancelledError')

/** Sets how deep the stacks of new errors are, and returns how deep they were. Does nothing where Error is frozen. */
function setStackLimit(limit: number): number {
  const before = Error.stackTraceLimit
  Reflect.set(Error, 'stackTraceLimit', limit)
  return before
}

/**
 * What a cancelled `await` throws. Clean up and rethrow it; a task that swallows it goes on.
 *
 * It has no stack: a cancel is an ordinary event, and capturing a stack that nobody reads would cost
 * more than everything else a cancel does.
 *
 * Source: asyncio.CancelledError
 */
export class CancelledError extends Error {
  override readonly name: string = 'CancelledError'
  readonly code: string = 'ERR_CANCELLED'
  #namesTask = false

  constructor(message?: string, options?: ErrorOptions) {
    const limit = setStackLimit(0)
    super(message, options)
    setStackLimit(limit)
  }

  /**
   * @internal Writes into the stack of the error of a cancelled task which task that was and what it waited for, because
   * an uncaught cancel has no other trace. An error that has gone through several tasks names the innermost.
   */
  static noteTask(error: CancelledError, task: string, waitedFor: string | null): void {
    // An error of another copy of this package has no such field.
    if (!(#namesTask in error) || error.#namesTask || !Object.isExtensible(error)) return
    error.#namesTask = true
    const wait = waitedFor === null ? '' : `, which waited for ${waitedFor}`
    const header = error.message === '' ? error.name : `${error.name}: ${error.message}`
    error.stack = `${header}\n    at ${task}${wait}`
  }

  static {
    // Found by `isCancelled` of any copy of this package, where `instanceof` would tell them apart.
    Object.defineProperty(this.prototype, cancelledBrand, { value: true })
  }
}

/**
 * Whether `error` is a CancelledError, of this copy of the package or another. An error that the end of a `using` scope
 * threw while another error left the scope counts as the newer one, as in Python.
 */
export function isCancelled(error: unknown): error is CancelledError {
  return findCancelled(error) !== null
}

/** The CancelledError that `error` is or that suppresses the others in it, or null. */
function findCancelled(error: unknown): CancelledError | null {
  let newest = error
  while (typeof newest === 'object' && newest !== null) {
    if (cancelledBrand in newest) return newest as CancelledError
    if (!isSuppressed(newest)) return null
    newest = newest.error
  }
  return null
}

/** Looks at the name, because where `using` is compiled away there may be no such class. */
function isSuppressed(error: object): error is SuppressedError {
  return 'name' in error && error.name === 'SuppressedError' && 'error' in error
}

/** The error that a waiter gets after `cancel(msg)`. */
export function toCancelledError(msg: string | CancelledError | undefined): CancelledError {
  return findCancelled(msg) ?? new CancelledError(msg as string | undefined)
}

/** An operation did not end within its time. Source: TimeoutError */
export class TimeoutError extends Error {
  override readonly name: string = 'TimeoutError'
  readonly code: string = 'ERR_TIMEOUT'
}

/** The state of an object does not allow the call: a result read too early, or set twice. Source: asyncio.InvalidStateError */
export class InvalidStateError extends Error {
  override readonly name: string = 'InvalidStateError'
  readonly code: string = 'ERR_INVALID_STATE'
}

/** A call made where it cannot work: no running loop, a closed loop, a second await. Source: RuntimeError */
export class RuntimeError extends Error {
  override readonly name: string = 'RuntimeError'
  readonly code: string = 'ERR_RUNTIME'
}

/** A context variable without a value was read without a fallback. Source: LookupError */
export class LookupError extends Error {
  override readonly name: string = 'LookupError'
  readonly code: string = 'ERR_LOOKUP'
}

/** The main task was ended by SIGINT or SIGTERM. Source: KeyboardInterrupt */
export class KeyboardInterrupt extends Error {
  override readonly name: string = 'KeyboardInterrupt'
  readonly code: string = 'ERR_INTERRUPTED'
  readonly signal: NodeJS.Signals

  constructor(signal: NodeJS.Signals = 'SIGINT') {
    super(`the main task was cancelled by ${signal}`)
    this.signal = signal
  }
}

/** Nothing that is left can wake the main task. The message is the task tree with what each task waits on. */
export class DeadlockError extends Error {
  override readonly name: string = 'DeadlockError'
  readonly code: string = 'ERR_DEADLOCK'
}
