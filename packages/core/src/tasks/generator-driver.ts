import {
  type AsyncContext,
  resumeAsyncContext,
  saveAsyncContext,
} from '../context/async-context.ts'
import { type CoroutineGenerator, toYielded } from './coroutine.ts'
import { Future } from '../futures/future.ts'
import { FutureIterator } from '../futures/future-iterator.ts'
import type { Reaction } from '../futures/reaction.ts'
import type { Task } from './task.ts'

/**
 * Runs a generator coroutine as the body of a task, as asyncio's task does: the turn that resumes it runs its
 * code up to the next thing that it has to wait for. No promise of the engine's has a part in it: a parked
 * generator takes little more than half the memory of a parked async function, and less time to wake.
 */
export class Driver<T> implements Reaction {
  readonly scopeTask: Task<T>
  readonly #generator: CoroutineGenerator<T>
  /** Where it goes on: its code may have entered other storages since the task began. */
  #context: AsyncContext
  /** What the generator is resumed with. */
  #input: unknown = undefined
  #throws = false
  /** Whether the future was yielded by its own iterator. */
  #isIterated = false

  constructor(task: Task<T>, generator: CoroutineGenerator<T>) {
    this.scopeTask = task
    this.#generator = generator
  }

  /** Its code begins; inside the task's asynchronous context. */
  start(): void {
    Driver.#advance.call(this)
  }

  label(): string {
    return `resume ${this.scopeTask.name}`
  }

  /** Its turn after the future has ended. */
  run(): void {
    const task = this.scopeTask
    const future = task.endWait(this)
    const cancel = task.resume(future)
    if (cancel !== null) Driver.#setInput(this, cancel, true)
    // The iterator of `yield*` takes the outcome by itself: an error is thrown once, which is what costs.
    else if (!this.#isIterated) Driver.#take(this, future)
    // oxlint-disable-next-line typescript/unbound-method -- `this` is the second argument
    resumeAsyncContext(this.#context, this as Driver<unknown>, Driver.#advance)
  }

  static #advance(this: Driver<unknown>): void {
    const task = this.scopeTask
    let step: IteratorResult<Future<unknown>>
    try {
      do {
        const input = this.#input
        const throws = this.#throws
        this.#input = undefined
        this.#throws = false
        step = throws ? this.#generator.throw(input) : this.#generator.next(input)
      } while (step.done !== true && !Driver.#waitsFor(this, step))
    } catch (error) {
      task.crash(error)
      return
    }
    if (step.done === true) task.finish(step.value)
    else this.#context = saveAsyncContext()
  }

  /** False when there is nothing to wait for: then the generator goes on at once. */
  static #waitsFor(driver: Driver<unknown>, step: IteratorYieldResult<unknown>): boolean {
    const yielded = step.value
    if (!(yielded instanceof Future)) return Driver.#waitsForPromise(driver, yielded)
    if (yielded.done()) {
      Driver.#take(driver, yielded)
      return false
    }
    const isOwn = yielded === driver.scopeTask
    driver.#isIterated = !isOwn && step instanceof FutureIterator
    driver.scopeTask.suspend(driver, isOwn ? yielded.refuseOwnTask() : yielded)
    return true
  }

  /** It cannot be cancelled; when it has ended the generator goes on at once, in no turn of the loop, as after an `await`. */
  static #waitsForPromise(driver: Driver<unknown>, yielded: unknown): boolean {
    let promise: PromiseLike<unknown>
    try {
      promise = toYielded(yielded)
    } catch (error) {
      Driver.#setInput(driver, error, true)
      return false
    }
    const goOn = (value: unknown, throws: boolean): void => {
      Driver.#setInput(driver, value, throws)
      Driver.#advance.call(driver)
    }
    void Promise.resolve(promise).then(
      (value) => goOn(value, false),
      (error) => goOn(error, true),
    )
    return true
  }

  static #take(driver: Driver<unknown>, future: Future<unknown>): void {
    try {
      Driver.#setInput(driver, future.result(), false)
    } catch (error) {
      Driver.#setInput(driver, error, true)
    }
  }

  static #setInput(driver: Driver<unknown>, input: unknown, throws: boolean): void {
    driver.#input = input
    driver.#throws = throws
  }
}
