import type { Context } from './context.ts'
import { copyContext } from './context.ts'
import { currentTask, getEventLoop } from './current.ts'
import { CancelledError, InvalidStateError, RuntimeError } from './errors.ts'
import type { CoroutineGenerator } from './coroutine.ts'
import type { EventLoop } from './loop.ts'
import { Awaiter, DoneCallback, InternalCallback, type Reaction } from './reaction.ts'
import { forgetUnretrieved, reportUnretrieved } from './unretrieved.ts'

const PENDING = 0
const FULFILLED = 1
const FAILED = 2
const CANCELLED = 3

const settled = Promise.resolve(undefined)
const sourceOf = Function.prototype.toString

/** What a promise's resolving function prints as; it differs between engines. */
const resolverSource: string = readResolverSource()

function readResolverSource(): string {
  let source = ''
  new Promise((resolve) => {
    source = sourceOf.call(resolve)
  })
  return source
}

/**
 * `await future` calls `then` with the two nameless built-in functions of a native promise; anyone
 * else passes functions of their own. Only the first means that the current task waits here.
 */
function isAwait(onFulfilled: unknown, onRejected: unknown): boolean {
  return (
    typeof onRejected === 'function' &&
    typeof onFulfilled === 'function' &&
    onFulfilled.name === '' &&
    sourceOf.call(onFulfilled) === resolverSource
  )
}

/**
 * A result that is not there yet: the only thing the runtime waits on. `await` it, or `yield*` it in a
 * generator coroutine. Cancelling a task that waits on it cancels it.
 *
 * Source: asyncio.Future. Differs: a future of another loop can be awaited too.
 */
export class Future<T> implements PromiseLike<T> {
  #state: 0 | 1 | 2 | 3 = PENDING
  /** The result; the exception; or once cancelled the message, and from the first look on the error. */
  #value: unknown = undefined
  /** The first of a ring. */
  #reactions: Reaction | null = null
  readonly #loop: EventLoop

  constructor(options?: { loop?: EventLoop }) {
    this.#loop = options?.loop ?? getEventLoop()
  }

  /** Whether it has a result or an exception, or was cancelled. */
  done(): boolean {
    return this.#state !== PENDING
  }

  cancelled(): boolean {
    return this.#state === CANCELLED
  }

  /**
   * The result.
   *
   * @throws its exception, when it failed
   * @throws {CancelledError} when it was cancelled
   * @throws {InvalidStateError} when it is pending
   */
  result(): T {
    if (this.#state === FULFILLED) return this.#value as T
    const exception = this.#outcome('result')
    // oxlint-disable-next-line typescript/only-throw-error -- whatever was set is thrown as it is
    throw exception
  }

  /**
   * The exception, or null when there is none.
   *
   * @throws {CancelledError} when it was cancelled
   * @throws {InvalidStateError} when it is pending
   */
  exception(): unknown {
    if (this.#state === FULFILLED) return null
    const exception = this.#outcome('exception')
    if (this.#state === CANCELLED) throw exception
    return exception
  }

  #outcome(what: string): unknown {
    if (this.#state === PENDING) {
      throw new InvalidStateError(`the ${what} of a pending future was asked for: await it first`)
    }
    if (this.#state === FAILED) {
      forgetUnretrieved(this)
      return this.#value
    }
    return this.cancelledError()
  }

  /** @throws {InvalidStateError} when it is done */
  setResult(value: T): void {
    this.#assertPending('setResult')
    this.fulfill(value)
  }

  /**
   * @throws {InvalidStateError} when it is done
   */
  setException(error: unknown): void {
    this.#assertPending('setException')
    this.fail(error)
  }

  #assertPending(call: string): void {
    if (this.#state === PENDING) return
    const state = this.#state === CANCELLED ? 'cancelled' : this.#state === FAILED ? 'failed' : 'done'
    throw new InvalidStateError(`${call} needs a pending future, this one is ${state}`)
  }

  /**
   * Ends it as cancelled; who awaits it gets a CancelledError with `msg`. False when it is done.
   */
  cancel(msg?: string): boolean {
    if (this.#state === FAILED) forgetUnretrieved(this)
    if (this.#state !== PENDING) return false
    this.endCancelled(msg)
    return true
  }

  /**
   * Calls `cb` with this future in a turn of the loop after it is done, also when it is done already.
   * It runs in `context`, by default a copy of the current one. What it throws goes to the loop's
   * exception handler.
   */
  addDoneCallback(cb: (future: this) => void, options?: { context?: Context }): void {
    if (typeof cb !== 'function') {
      throw new TypeError(`a done callback must be a function, got ${typeof cb}`)
    }
    this.react(new DoneCallback(this, cb, options?.context ?? copyContext()))
  }

  /** Removes every occurrence of `cb` and returns how many there were. */
  removeDoneCallback(cb: (future: this) => void): number {
    const found: Reaction[] = []
    const first = this.#reactions
    let reaction = first
    while (reaction !== null) {
      if (reaction instanceof DoneCallback && reaction.callback === cb) found.push(reaction)
      reaction = reaction.next === first ? null : reaction.next
    }
    for (const each of found) this.removeReaction(each)
    return found.length
  }

  getLoop(): EventLoop {
    return this.#loop
  }

  /** As a promise's. Awaiting makes the current task wait on this future; chaining a callback does not. */
  then<R = T, E = never>(
    onFulfilled?: ((value: T) => R | PromiseLike<R>) | null,
    onRejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    if (!isAwait(onFulfilled, onRejected)) return this.#toPromise().then(onFulfilled, onRejected)
    const resolve = onFulfilled as (value: T) => unknown
    const reject = onRejected as (error: unknown) => unknown
    if (this.#state === PENDING) {
      const task = currentTask()
      if ((task as unknown) === this) {
        reject(new RuntimeError(`${String(task?.name)} cannot await itself`))
        return settled as unknown as Promise<R | E>
      }
      const awaiter = new Awaiter(this, task, resolve, reject)
      this.react(awaiter)
      if (task !== null) task.suspend(awaiter)
    } else {
      this.settle(resolve, reject)
    }
    // The engine does not look at it, and nobody else has such functions to pass.
    return settled as unknown as Promise<R | E>
  }

  catch<E = never>(onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<T | E> {
    return this.#toPromise().catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.#toPromise().finally(onFinally)
  }

  /** A native promise of this future that no task waits on; callbacks keep their asynchronous context by it. */
  #toPromise(): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#state === PENDING) this.react(new Awaiter(this, null, resolve, reject))
      else this.settle(resolve, reject)
    })
  }

  *[Symbol.iterator](): CoroutineGenerator<T> {
    // The driver awaits what is yielded, so this is one suspension like any other; done needs none.
    if (this.#state === PENDING) yield this
    return this.result()
  }

  /** @internal */
  fulfill(value: T): void {
    this.#value = value
    this.#state = FULFILLED
    this.#schedule()
  }

  /** @internal */
  fail(error: unknown): void {
    this.#value = error
    this.#state = FAILED
    this.#schedule()
    reportUnretrieved(this, error)
  }

  /** @internal with the message of a cancel that was asked for, or the error that ended a task */
  endCancelled(cause: string | CancelledError | undefined): void {
    this.#value = cause
    this.#state = CANCELLED
    this.#schedule()
  }

  /** @internal says why it was cancelled, before anyone has looked */
  explainCancel(error: CancelledError): void {
    this.#value = error
  }

  /** @internal made on first use: most cancelled futures are never looked at */
  cancelledError(): CancelledError {
    if (!(this.#value instanceof CancelledError)) {
      this.#value = new CancelledError(this.#value as string | undefined)
    }
    return this.#value as CancelledError
  }

  /** @internal hands the outcome to a promise's functions; only when done */
  settle(resolve: (value: T) => unknown, reject: (error: unknown) => unknown): void {
    if (this.#state === FULFILLED) resolve(this.#value as T)
    else reject(this.#outcome('result'))
  }

  /** @internal */
  react(reaction: Reaction): void {
    if (this.#state !== PENDING) {
      this.#loop.push(reaction)
      return
    }
    const first = this.#reactions
    if (first === null) {
      this.#reactions = reaction
      return
    }
    const last = first.previous
    last.next = reaction
    reaction.previous = last
    reaction.next = first
    first.previous = reaction
  }

  /** @internal calls back outside of every task, with nothing captured; returns what `removeReaction` takes */
  onDone(callback: (future: Future<T>) => void): Reaction {
    const reaction = new InternalCallback(this, callback)
    this.react(reaction)
    return reaction
  }

  /** @internal */
  removeReaction(reaction: Reaction): void {
    if (this.#reactions === reaction) {
      this.#reactions = reaction.next === reaction ? null : reaction.next
    } else if (reaction.next === reaction) {
      // Not in the ring: it is in the ready queue already, or has run.
      return
    }
    reaction.previous.next = reaction.next
    reaction.next.previous = reaction.previous
    reaction.next = reaction
    reaction.previous = reaction
  }

  /** @internal the first reaction, for the waiter substrate */
  firstReaction(): Reaction | null {
    return this.#reactions
  }

  /** @internal takes the ring of reactions; the caller runs them */
  takeReactions(): Reaction[] {
    const taken: Reaction[] = []
    while (this.#reactions !== null) {
      const first = this.#reactions
      this.removeReaction(first)
      taken.push(first)
    }
    return taken
  }

  #schedule(): void {
    const first = this.#reactions
    if (first === null) return
    if (first.next === first) {
      this.#reactions = null
      this.#loop.push(first)
      return
    }
    for (const reaction of this.takeReactions()) this.#loop.push(reaction)
  }
}

/** Whether `x` is a Future (a Task is one). Source: asyncio.isfuture */
export function isFuture(x: unknown): x is Future<unknown> {
  return x instanceof Future
}
