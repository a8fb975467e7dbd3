import { brand, hasBrand } from './brand.ts'

/**
 * Sets how many stack frames a new error records, and returns the number that applied before. CancelledError sets 0
 * while it is made, because a stack is expensive. Does nothing if Error is frozen.
 */
function setStackLimit(limit: number): number {
  const before = Error.stackTraceLimit
  Reflect.set(Error, 'stackTraceLimit', limit)
  return before
}

/**
 * A cancelled `await` throws this error. Code that catches it should clean up and throw it again; a task that swallows
 * it continues.
 *
 * The error has no stack: a cancel is an ordinary event, and to capture a stack that nobody reads would cost more than
 * everything else a cancel does.
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
   * @internal writes into the stack of `error` the name of the cancelled task and what that task waited for, because
   * an uncaught cancel has no other trace. An error that goes through several tasks names the innermost one.
   */
  static noteTask(error: CancelledError, task: string, waitedFor: string | null): void {
    // An error that another copy of this package has made does not have this private field.
    if (!(#namesTask in error) || error.#namesTask || !Object.isExtensible(error)) return
    error.#namesTask = true
    const wait = waitedFor === null ? '' : `, which waited for ${waitedFor}`
    const header = error.message === '' ? error.name : `${error.name}: ${error.message}`
    error.stack = `${header}\n    at ${task}${wait}`
  }

  static {
    // By this mark, `isCancelled` of another copy of this package recognizes the error. `instanceof` knows only the
    // classes of its own copy.
    brand(this.prototype, 'CancelledError')
  }
}

/**
 * Whether `error` is a CancelledError, made by this copy of the package or by another one. If the end of a `using`
 * block throws while another error leaves the block, JavaScript puts both into a SuppressedError; then the newer of
 * the two decides, as in Python.
 *
 * @example
 *     const task = createTask(async () => {
 *       try {
 *         await sleepForever()
 *       } catch (error) {
 *         if (isCancelled(error)) throw error // never swallow a cancel
 *         console.error(error)
 *       }
 *     })
 *     await cancelTasks([task])
 *     console.log(task.cancelled()) // true
 */
export function isCancelled(error: unknown): error is CancelledError {
  return findCancelled(error) !== null
}

/**
 * Returns `error` if it is a CancelledError. If it is a SuppressedError, returns the newest error in it if that is a
 * CancelledError. Otherwise returns null.
 */
function findCancelled(error: unknown): CancelledError | null {
  let newest = error
  while (typeof newest === 'object' && newest !== null) {
    if (hasBrand(newest, 'CancelledError')) return newest as CancelledError
    if (!isSuppressed(newest)) return null
    newest = newest.error
  }
  return null
}

/**
 * Whether `error` is a SuppressedError. The name is checked and not the class, because a runtime for which `using` was
 * compiled away may not have the class.
 */
function isSuppressed(error: object): error is SuppressedError {
  return 'name' in error && error.name === 'SuppressedError' && 'error' in error
}

/**
 * Returns the error that a waiter gets after `cancel(msg)`: `msg` itself if it is a CancelledError, or else a new
 * CancelledError with that message.
 */
export function toCancelledError(msg: string | CancelledError | undefined): CancelledError {
  return findCancelled(msg) ?? new CancelledError(msg as string | undefined)
}

/** An operation did not end before its timeout. Source: TimeoutError */
export class TimeoutError extends Error {
  override readonly name: string = 'TimeoutError'
  readonly code: string = 'ERR_TIMEOUT'

  static {
    brand(this.prototype, 'TimeoutError')
  }
}

/**
 * The state of an object does not allow the call: for example, a result is read too early, or set twice. Source:
 * asyncio.InvalidStateError
 */
export class InvalidStateError extends Error {
  override readonly name: string = 'InvalidStateError'
  readonly code: string = 'ERR_INVALID_STATE'

  static {
    brand(this.prototype, 'InvalidStateError')
  }
}

/**
 * A call was made where it cannot work: without a running loop, on a closed loop, or as a second await of one
 * coroutine. Source: RuntimeError
 */
export class RuntimeError extends Error {
  override readonly name: string = 'RuntimeError'
  readonly code: string = 'ERR_RUNTIME'

  static {
    brand(this.prototype, 'RuntimeError')
  }
}

/** A context variable without a value was read without a fallback. Source: LookupError */
export class LookupError extends Error {
  override readonly name: string = 'LookupError'
  readonly code: string = 'ERR_LOOKUP'

  static {
    brand(this.prototype, 'LookupError')
  }
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

  static {
    brand(this.prototype, 'KeyboardInterrupt')
  }
}

/** Whether `error` is a KeyboardInterrupt, made by this copy of the package or by another one. */
export function isInterrupt(error: unknown): error is KeyboardInterrupt {
  return hasBrand(error, 'KeyboardInterrupt')
}

/**
 * The main task waits, and nothing that is left in the program can end its wait. The message is the task tree, with
 * what each task waits on.
 */
export class DeadlockError extends Error {
  override readonly name: string = 'DeadlockError'
  readonly code: string = 'ERR_DEADLOCK'

  static {
    brand(this.prototype, 'DeadlockError')
  }
}
