import { brand, hasBrand } from './brand.ts'

/**
 * Sets the number of stack frames that a new error records, and returns the number before this call. The constructor of
 * CancelledError sets the number to 0 while it runs, because recording a stack takes about a microsecond. If the object
 * Error is frozen, the number does not change.
 */
function setStackLimit(limit: number): number {
  const before = Error.stackTraceLimit
  Reflect.set(Error, 'stackTraceLimit', limit)
  return before
}

/**
 * A cancelled `await` throws this error. Code that catches this error should clean up and throw the error again. A task
 * that does not throw it again is not ended by the cancel.
 *
 * The error has no stack, because a cancel is an ordinary event, and recording a stack takes about a microsecond.
 *
 * Source: asyncio.CancelledError
 */
export class CancelledError extends Error {
  override readonly name: string = 'CancelledError'
  readonly code: string = 'ERR_CANCELLED'
  #namesTask = false

  constructor(message?: string, options?: ErrorOptions) {
    // If reading an argument throws, it throws here and not while the limit is 0.
    // oxlint-disable-next-line typescript/no-unnecessary-type-conversion -- a caller without types may pass any value
    const text = message === undefined ? undefined : String(message)
    const given =
      typeof options === 'object' && options !== null && 'cause' in options
        ? { cause: options.cause }
        : undefined
    const limit = setStackLimit(0)
    super(text, given)
    setStackLimit(limit)
  }

  /**
   * @internal Sets the stack of `error` to a text with the name of the cancelled task and a description of the thing
   * that the task waited for. Without this text, an uncaught CancelledError would not tell where it came from. If an
   * error passes through several tasks, the stack keeps the name of the first task, which is the innermost task.
   */
  static noteTask(error: CancelledError, task: string, waitedFor: string | null): void {
    // An error that another copy of this package has made does not have this private field, and is not changed.
    if (!(#namesTask in error) || error.#namesTask || !Object.isExtensible(error)) return
    error.#namesTask = true
    const wait = waitedFor === null ? '' : `, which waited for ${waitedFor}`
    try {
      const header = error.message === '' ? error.name : `${error.name}: ${error.message}`
      error.stack = `${header}\n    at ${task}${wait}`
    } catch {
      // The program has made the stack read-only, or the message throws. The error keeps the stack that it has.
    }
  }

  static {
    // By this mark, another copy of this package recognizes the error. `instanceof` would not recognize it, because
    // each copy has a class CancelledError of its own.
    brand(this.prototype, 'CancelledError')
  }
}

/**
 * Whether `error` is a CancelledError, of this or of another copy of this package. If the end of a `using` block throws
 * while another error leaves the block, JavaScript puts both errors into a SuppressedError. For a SuppressedError,
 * `isCancelled` checks the newer of the two errors, as Python would.
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
 * Returns `error` if it is a CancelledError. If `error` is a SuppressedError, JavaScript's error that holds two errors,
 * the newer of the two is checked in the same way, because it may be a SuppressedError too. Returns null if no
 * CancelledError is found.
 */
function findCancelled(error: unknown): CancelledError | null {
  return findNewest(error, (each) => hasBrand(each, 'CancelledError')) as CancelledError | null
}

/** The search for the newest error ends after this many errors, because a SuppressedError may contain itself. */
const longestSearch = 100_000

/**
 * Returns the first object that `accepts` accepts: `error`, or the newer error of a SuppressedError that was checked
 * before. Returns null if there is no such object. Reading a property of a thrown value may throw; this function never
 * throws.
 */
function findNewest(error: unknown, accepts: (error: object) => boolean): object | null {
  let newest = error
  for (let i = 0; i < longestSearch && typeof newest === 'object' && newest !== null; i++) {
    if (accepts(newest)) return newest
    // The name is checked and not the class, because a runtime that does not support `using` may not have the class
    // SuppressedError. Compilers then provide a substitute with the same name.
    newest = read(newest, 'name') === 'SuppressedError' ? read(newest, 'error') : null
  }
  return null
}

/** Returns the property `key` of `error`; undefined if the property is missing, or if reading it throws. */
function read(error: object, key: string): unknown {
  try {
    return (error as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

/**
 * Whether `error` is an AbortError, with which an API ends its work when its AbortSignal aborts. For a SuppressedError,
 * the newer of its two errors is checked, as in `isCancelled`.
 */
export function isAbortError(error: unknown): boolean {
  return findNewest(error, isAbort) !== null
}

/**
 * Returns the CancelledError that has caused the AbortError `error`: the APIs of Node make the reason of the signal the
 * cause of their AbortError. Returns null if `error` is not an AbortError, or has no such cause.
 */
export function cancelBehindAbort(error: unknown): CancelledError | null {
  return cancelBehind(findNewest(error, isAbort))
}

/** Returns the CancelledError that is the cause of `error`; null if `error` has no such cause. */
export function cancelBehind(error: unknown): CancelledError | null {
  return typeof error === 'object' && error !== null ? findCancelled(read(error, 'cause')) : null
}

function isAbort(error: object): boolean {
  try {
    return error instanceof Error && error.name === 'AbortError'
  } catch {
    // The thrown value is a Proxy or has a getter, and reading a property of it throws.
    return false
  }
}

/**
 * Returns the CancelledError for a cancel that was asked for by `cancel(msg)`: `msg` itself if it is a CancelledError,
 * or else a new CancelledError with the message `msg`.
 */
export function toCancelledError(msg: string | CancelledError | undefined): CancelledError {
  return findCancelled(msg) ?? new CancelledError(msg as string | undefined)
}

/** This error means that an operation did not end before its timeout. Source: TimeoutError */
export class TimeoutError extends Error {
  override readonly name: string = 'TimeoutError'
  readonly code: string = 'ERR_TIMEOUT'

  static {
    brand(this.prototype, 'TimeoutError')
  }
}

/**
 * This error means that the state of an object does not allow the call. For example, a result is read before it is set,
 * or is set twice. Source: asyncio.InvalidStateError
 */
export class InvalidStateError extends Error {
  override readonly name: string = 'InvalidStateError'
  readonly code: string = 'ERR_INVALID_STATE'

  static {
    brand(this.prototype, 'InvalidStateError')
  }
}

/**
 * This error means that a call is not possible now: for example, no loop is running, the loop is closed, or a coroutine
 * is awaited for the second time. Source: RuntimeError
 */
export class RuntimeError extends Error {
  override readonly name: string = 'RuntimeError'
  readonly code: string = 'ERR_RUNTIME'

  static {
    brand(this.prototype, 'RuntimeError')
  }
}

/** This error means that a context variable was read that has no value and no default. Source: LookupError */
export class LookupError extends Error {
  override readonly name: string = 'LookupError'
  readonly code: string = 'ERR_LOOKUP'

  static {
    brand(this.prototype, 'LookupError')
  }
}

/** This error means that SIGINT or SIGTERM has cancelled the main task of `run`. Source: KeyboardInterrupt */
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

/** Whether `error` is a KeyboardInterrupt, of this or of another copy of this package. */
export function isInterrupt(error: unknown): error is KeyboardInterrupt {
  return hasBrand(error, 'KeyboardInterrupt')
}

/**
 * This error means that the main task of `run`, or a task that is left at the end of `run`, waits for ever: nothing in
 * the program can end its wait. The message contains the tree of the tasks, with the things that they wait for. Of very
 * many tasks, it shows only some.
 */
export class DeadlockError extends Error {
  override readonly name: string = 'DeadlockError'
  readonly code: string = 'ERR_DEADLOCK'

  static {
    brand(this.prototype, 'DeadlockError')
  }
}
