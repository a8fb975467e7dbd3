import {
  CancelledError,
  Context,
  copyContext,
  currentTask,
  ExceptionGroup,
  Future,
  sleep,
  taskGroup,
  type TaskGroup,
} from '@tasktree/core'
import { describe, isIterable, isThenable, observe } from '@tasktree/core/lowlevel'
import {
  cancelsSoFar,
  isCancel,
  isInCancelledScope,
  isUnderCancel,
  throwCancel,
} from './cancels.ts'
import { throwAsIs } from './throw-as-is.ts'

/**
 * The common part of `map`, `forEach`, `mapStream` and `hedge`. A pump takes one item after the other from a source,
 * and calls a function for each item in a child task.
 *
 * The problem: when `run` settles, no call may run any more. A cancel must reach every call, and one failure may have
 * to end all other calls.
 *
 * The idea: all calls are tasks of one task group, and the body of the group takes the items. The group cancels all its
 * tasks when one of them throws, and ends after all of them. To end the pump without a failure, a task throws a `Stop`,
 * which `run` catches.
 *
 * The body takes the next item only when another call may begin. Each task begins in a turn of the loop, so timers, I/O
 * and cancels get their turns even if the calls never wait.
 *
 * If the source is an array, there is no task for each item. As many tasks are made as calls may run at the same time,
 * and each of them calls the function for one item after the other, which takes a tenth of the time. This is done only
 * if no context variable is set: each call must begin with the variables of the caller, and only for an empty context
 * can the pump see that the call before has not changed it.
 */

export type Source<T> = Iterable<T | PromiseLike<T>> | AsyncIterable<T>

export interface PumpOptions<T, R> {
  readonly items: Source<T>
  readonly fn: (item: T, index: number) => PromiseLike<R>
  readonly concurrency: number
  /**
   * Returns whether one more item may be taken while fewer than `concurrency` calls run. By default an item may always
   * be taken.
   */
  readonly hasRoom?: () => boolean
  /** Called when a call has returned `result`. `index` is the number of its item. */
  readonly done: (result: R, index: number) => void
  /**
   * Called when a call has failed, or when the source has failed. `index` is the number of the item; for the source, it
   * is the number of items that the source has given. If this function throws, all other calls are cancelled.
   */
  readonly failed: (error: unknown, index: number) => void
}

/** A task of the pump throws this object to cancel all other calls and end the pump. */
export class Stop {
  readonly #failure: { readonly error: unknown } | null

  /** @param failure the error that `run` throws when the pump has ended; null if `run` throws nothing */
  constructor(failure: { readonly error: unknown } | null) {
    this.#failure = failure
  }

  /** The error that `run` throws when the pump has ended. Null if `run` throws nothing. */
  get failure(): { readonly error: unknown } | null {
    return this.#failure
  }

  /** Whether `x` is a Stop. `instanceof` is not used, because it throws for some values that a function may throw. */
  static is(x: unknown): x is Stop {
    return typeof x === 'object' && x !== null && #failure in x
  }
}

export class Pump<T, R> {
  /** How many tasks with a call have not ended. Always 0 if the source is an array whose items need no tasks. */
  active = 0
  /** How many items were taken from the source. */
  begun = 0
  readonly #options: PumpOptions<T, R>
  /** The future on which the body waits until another call may begin; null while the body does not wait. */
  #room: Future<void> | null = null
  #isEnding = false
  /** Whether the pump was made in a cancelled scope. It is a clean-up then, and makes all its calls. */
  readonly #isCleanUp = isInCancelledScope()
  /** The value of `cancelsSoFar()` when the task of the first call began. It is the same for the tasks of all calls. */
  #before = 0
  /** The first Stop that was thrown. */
  #stop: Stop | null = null
  /**
   * The error of a call that was cancelled. Such a call has no result, so `run` throws this error. Null if no call was
   * cancelled.
   */
  #cancel: { readonly error: unknown } | null = null

  constructor(options: PumpOptions<T, R>) {
    this.#options = options
  }

  /**
   * Calls the function for all items, and settles when all calls have ended. Throws CancelledError when it is
   * cancelled. If a Stop has ended the pump, throws the error of that Stop.
   */
  async run(): Promise<void> {
    try {
      await taskGroup((group) => this.#pull(group))
    } catch (error) {
      // This error is an ExceptionGroup with one Stop for each task that has thrown one. It is caught here, because the
      // Stop only ends the pump.
      if (this.#stop === null || !(error instanceof ExceptionGroup)) throw error
    }
    // If items are left, the tasks for them were cancelled before they began.
    const { items } = this.#options
    if (Array.isArray(items) && this.begun < items.length && !this.#isEnding) this.#cancelled()
    const failure = this.#stop === null ? this.#cancel : this.#stop.failure
    if (failure !== null) throwAsIs(failure.error)
  }

  /** Makes the pump take no more items. Calls that have begun go on. */
  end(): void {
    this.#isEnding = true
    this.wake()
  }

  /** Makes the body look again whether another call may begin. */
  wake(): void {
    if (this.#room !== null && !this.#room.done() && this.#canGoOn()) this.#room.setResult()
  }

  #canGoOn(): boolean {
    const { concurrency, hasRoom } = this.#options
    return this.#isEnding || (this.active < concurrency && (hasRoom === undefined || hasRoom()))
  }

  async #pull(group: TaskGroup): Promise<void> {
    const before = cancelsSoFar()
    const { items, concurrency, hasRoom } = this.#options
    if (Array.isArray(items) && hasRoom === undefined && isEmpty(copyContext())) {
      const workers = Math.min(concurrency, items.length)
      for (let i = 0; i < workers; i++) group.createTask(() => this.#callOneByOne(items))
      return
    }
    try {
      if (isAsyncIterable(items)) {
        for await (const item of items) {
          if (this.#isEnding) break
          if (this.#isCancelledSince(before)) await throwCancel()
          this.#begin(item, group)
          if (!this.#canGoOn()) await this.#waitForRoom()
          if (this.#isEnding) break
        }
        return
      }
      for (const item of items as Iterable<T | PromiseLike<T>>) {
        this.#begin(item, group)
        if (!this.#canGoOn()) await this.#waitForRoom()
        if (this.#isEnding) break
      }
    } catch (error) {
      this.#failed(error, this.begun, before)
    }
  }

  /**
   * Takes items that no other task has taken, and calls the function for one after the other, until there are no more
   * items.
   */
  async #callOneByOne(items: readonly (T | PromiseLike<T>)[]): Promise<void> {
    const context = currentTask()?.getContext() as Context
    const before = cancelsSoFar()
    try {
      for (let calls = 1; this.begun < items.length && !this.#isEnding; calls++) {
        if (this.#isCancelledSince(before)) await throwCancel()
        const index = this.begun++
        const call = (): Promise<void> => this.#call(items[index] as T, index)
        // An earlier call in this task may have set context variables. This call must not see them, so it runs in a new
        // context.
        await (isEmpty(context) ? call() : new Context().run(call))
        // Waits a turn of the loop now and then. Otherwise calls that never wait would delay timers, I/O and cancels
        // until the last item.
        if (calls % 64 === 0) await sleep(0)
      }
    } catch (error) {
      this.#failed(error, this.begun, before)
    }
  }

  /**
   * Whether the running code was cancelled since the pump began. `before` is what `cancelsSoFar()` has returned then. The
   * pump must ask, because the code may wait only for promises that are not futures, or may call a function that catches
   * the CancelledError: then no wait of the pump throws.
   */
  #isCancelledSince(before: number): boolean {
    return cancelsSoFar() > before || (!this.#isCleanUp && isInCancelledScope())
  }

  async #waitForRoom(): Promise<void> {
    this.#room = new Future()
    try {
      await this.#room
    } finally {
      this.#room = null
    }
  }

  #begin(item: T | PromiseLike<T>, group: TaskGroup): void {
    const index = this.begun++
    this.active++
    const task = group.createTask(() => this.#call(item, index))
    observe(task, () => {
      this.active--
      // A task that was cancelled before its first step has called neither `done` nor `failed`, so its cancel is noted
      // here.
      if (task.cancelled()) this.#cancelled()
      this.wake()
    })
  }

  #cancelled(error: unknown = new CancelledError()): void {
    this.#cancel ??= { error }
    this.end()
  }

  async #call(item: T | PromiseLike<T>, index: number): Promise<void> {
    if (index === 0) this.#before = cancelsSoFar()
    try {
      // This task was made before another task threw the Stop, so the function is not called.
      if (this.#stop !== null) throwAsIs(this.#stop)
      const { fn, done } = this.#options
      done(await fn(isThenable(item) ? await item : item, index), index)
    } catch (error) {
      this.#failed(error, index, this.#before)
    }
  }

  /**
   * Called when the current task has failed with `error`. Passes the error to the option `failed`, unless it is a cancel
   * or a Stop. If the task must end with an error, throws that error. `before` is what `cancelsSoFar()` has returned when
   * the task began.
   */
  #failed(error: unknown, index: number, before: number): void {
    const isCut = isUnderCancel(before)
    try {
      if (isCancel(error)) {
        this.#cancelled(error)
        // If no code has requested this cancel of the task, the function itself has thrown CancelledError. That ends
        // the pump.
        throwAsIs(isCut ? error : new Stop({ error }))
      }
      if (Stop.is(error)) throwAsIs(error)
      this.#options.failed(error, index)
    } catch (thrown) {
      if (Stop.is(thrown)) this.#stop ??= thrown
      this.end()
      throw thrown
    }
    // A cancelled task must end as cancelled. Otherwise debug mode would report that the task has swallowed a cancel.
    if (isCut) throw new CancelledError()
  }
}

function isEmpty(context: Context): boolean {
  return context.keys().next().done === true
}

/** Checks the source of a pump. @throws {TypeError} when `items` is neither an iterable nor an async iterable */
export function checkSource(call: string, items: unknown): void {
  if (isIterable(items) || isAsyncIterable(items)) return
  throw new TypeError(`${call} takes an iterable or async iterable, got ${describe(items)}`)
}

function isAsyncIterable(x: unknown): x is AsyncIterable<never> {
  return typeof x === 'object' && x !== null && Symbol.asyncIterator in x
}
