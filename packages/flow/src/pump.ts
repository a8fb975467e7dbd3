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
import { cancelsSoFar, isCancel, isUnderCancel } from './cancels.ts'
import { throwAsIs } from './throw-as-is.ts'

/**
 * The common part of `map`, `forEach`, `mapStream` and `hedge`: a pump takes item after item from a source and calls a
 * function for each of them, in a child task.
 *
 * All those tasks belong to one task group, whose body takes the items. So nothing is running any more when `run` settles,
 * a cancel from outside reaches everything, and an error that leaves a task cancels everything else. `stop` uses the same
 * way: it throws a Stop, which `run` catches.
 *
 * The body takes the next item only when there is room for its call. Each task begins in a turn of the loop, so timers, I/O
 * and cancels get in between, even if the calls themselves never wait.
 *
 * For the items of an array as many tasks are made as calls may run at the same time, and each of them calls the function
 * for one item after the other. That takes a tenth of the time. It is done only where no context variable is set, because
 * each call must begin with the variables of the caller, and an empty context is the only one that can be told unchanged.
 */

export type Source<T> = Iterable<T | PromiseLike<T>> | AsyncIterable<T>

export interface PumpOptions<T, R> {
  readonly items: Source<T>
  readonly fn: (item: T, index: number) => PromiseLike<R>
  readonly concurrency: number
  /** Whether one more item may be taken, although fewer than `concurrency` calls are running; by default always. */
  readonly hasRoom?: () => boolean
  /** A call has ended. */
  readonly done: (result: R, index: number) => void
  /** A call has failed, or the source has; then the index is the number of items that it gave. To throw here stops everything. */
  readonly failed: (error: unknown, index: number) => void
}

/** Ends the pump: everything else is cancelled. */
export class Stop {
  /** `run` throws its error, or nothing if it is null. */
  readonly failure: { readonly error: unknown } | null

  constructor(failure: { readonly error: unknown } | null) {
    this.failure = failure
  }
}

export class Pump<T, R> {
  /** How many calls have a task that has not ended. */
  active = 0
  /** How many items were taken from the source. */
  begun = 0
  readonly #options: PumpOptions<T, R>
  /** The body waits on this future while there is no room. */
  #room: Future<void> | null = null
  #isEnding = false
  /** How many cancels each of the calls' tasks had when it began. */
  #before = 0
  /** The first Stop that was thrown. */
  #stop: Stop | null = null
  /** A call was cancelled, so there is no result for its item. */
  #cancel: { readonly error: unknown } | null = null

  constructor(options: PumpOptions<T, R>) {
    this.#options = options
  }

  /**
   * Calls the function for all items, and settles when everything that was begun has ended. Rejects when it is cancelled, or
   * with the failure of the Stop that ended it.
   */
  async run(): Promise<void> {
    try {
      await taskGroup((group) => this.#pull(group))
    } catch (error) {
      // The group of Stops, one for each task that has thrown one.
      if (this.#stop === null || !(error instanceof ExceptionGroup)) throw error
    }
    // Tasks that were to take the items of an array were cancelled before they began.
    const { items } = this.#options
    if (Array.isArray(items) && this.begun < items.length && !this.#isEnding) this.#cancelled()
    const failure = this.#stop === null ? this.#cancel : this.#stop.failure
    if (failure !== null) throwAsIs(failure.error)
  }

  /** Takes no more items. */
  end(): void {
    this.#isEnding = true
    this.wake()
  }

  /** There may be room again. */
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
          if (!this.#isEnding) this.#begin(item, group)
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

  /** Calls the function for items that nobody has taken yet, until there are none. */
  async #callOneByOne(items: readonly (T | PromiseLike<T>)[]): Promise<void> {
    const context = currentTask()?.getContext() as Context
    try {
      for (let calls = 1; this.begun < items.length && !this.#isEnding; calls++) {
        const index = this.begun++
        const call = (): Promise<void> => this.#call(items[index] as T, index)
        // A call before may have set context variables, which this one must not see.
        await (isEmpty(context) ? call() : new Context().run(call))
        // Calls that never wait would keep timers, I/O and cancels out.
        if (calls % 64 === 0) await sleep(0)
      }
    } catch (error) {
      this.#failed(error, this.begun, this.#before)
    }
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
      // Its body never began, if it was cancelled before.
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
      // It was made before the failure that stops everything.
      if (this.#stop !== null) throwAsIs(this.#stop)
      const { fn, done } = this.#options
      done(await fn(isThenable(item) ? await item : item, index), index)
    } catch (error) {
      this.#failed(error, index, this.#before)
    }
  }

  /** The current task, of which `before` cancels were asked for when it began, has failed. Throws the error that the task ends with. */
  #failed(error: unknown, index: number, before: number): void {
    const isCut = isUnderCancel(before)
    try {
      if (isCancel(error)) {
        this.#cancelled(error)
        // A cancel that nobody asked this task for ends everything.
        throwAsIs(isCut ? error : new Stop({ error }))
      }
      if (error instanceof Stop) throwAsIs(error)
      this.#options.failed(error, index)
    } catch (thrown) {
      if (thrown instanceof Stop) this.#stop ??= thrown
      this.end()
      throw thrown
    }
    // Debug mode would report a swallowed cancel, if the task did not end as cancelled.
    if (isCut) throw new CancelledError()
  }
}

function isEmpty(context: Context): boolean {
  return context.keys().next().done === true
}

/** @throws {TypeError} when `items` is neither an iterable nor an async iterable */
export function checkSource(call: string, items: unknown): void {
  if (isIterable(items) || isAsyncIterable(items)) return
  throw new TypeError(`${call} takes an iterable or async iterable, got ${describe(items)}`)
}

function isAsyncIterable(x: unknown): x is AsyncIterable<never> {
  return typeof x === 'object' && x !== null && Symbol.asyncIterator in x
}
