import {
  type AsyncContext,
  resumeAsyncContext,
  saveAsyncContext,
} from '../context/async-context.ts'
import { type CoroutineGenerator, toYielded } from './coroutine.ts'
import { Future } from '../futures/future.ts'
import { FutureIterator } from '../futures/future-iterator.ts'
import type { Reaction } from '../futures/reaction.ts'
import type { Execution } from './execution.ts'

/**
 * Runs a generator coroutine as the body of a task, as asyncio's task does: the turn that resumes it runs its
 * code up to the next thing that it has to wait for. No promise of the engine's has a part in it: a parked
 * generator takes little more than half the memory of a parked async function, and less time to wake.
 */
export class GeneratorDriver<T> implements Reaction {
  readonly waitingFrame: Execution
  readonly #generator: CoroutineGenerator<T>
  /** Where it goes on: its code may have entered other storages since the task began. */
  #context: AsyncContext
  /** What the generator is resumed with. */
  #input: unknown = undefined
  #throws = false
  /** Whether the future was yielded by its own iterator. */
  #isIterated = false

  constructor(execution: Execution, generator: CoroutineGenerator<T>) {
    this.waitingFrame = execution
    this.#generator = generator
  }

  /** Its code begins; inside the task's asynchronous context. */
  start(): void {
    GeneratorDriver.#advance.call(this)
  }

  label(): string {
    return `resume ${this.waitingFrame.task.name}`
  }

  /** Its turn after the future has ended. */
  run(): void {
    const execution = this.waitingFrame
    const key = execution.keyOf(this)
    const future = execution.endWait(this)
    const cancel = execution.resume(key, future)
    if (cancel !== null) GeneratorDriver.#setInput(this, cancel, true)
    // The iterator of `yield*` takes the outcome by itself: an error is thrown once, which is what costs.
    else if (!this.#isIterated) GeneratorDriver.#take(this, future)
    // oxlint-disable-next-line typescript/unbound-method -- `this` is the second argument
    resumeAsyncContext(this.#context, this as GeneratorDriver<unknown>, GeneratorDriver.#advance)
  }

  static #advance(this: GeneratorDriver<unknown>): void {
    const execution = this.waitingFrame
    let step: IteratorResult<Future<unknown>>
    try {
      do {
        const input = this.#input
        const throws = this.#throws
        this.#input = undefined
        this.#throws = false
        step = throws ? this.#generator.throw(input) : this.#generator.next(input)
      } while (step.done !== true && !GeneratorDriver.#waitsFor(this, step))
    } catch (error) {
      execution.crash(error)
      return
    }
    if (step.done === true) execution.finish(step.value)
    else this.#context = saveAsyncContext()
  }

  /** False when there is nothing to wait for: then the generator goes on at once. */
  static #waitsFor(driver: GeneratorDriver<unknown>, step: IteratorYieldResult<unknown>): boolean {
    const yielded = step.value
    if (!(yielded instanceof Future)) return GeneratorDriver.#waitsForPromise(driver, yielded)
    if (yielded.done()) {
      GeneratorDriver.#take(driver, yielded)
      return false
    }
    const isOwn = yielded === driver.waitingFrame.task
    driver.#isIterated = !isOwn && step instanceof FutureIterator
    driver.waitingFrame.suspend(driver, isOwn ? yielded.refuseOwnTask() : yielded)
    return true
  }

  /** It cannot be cancelled; when it has ended the generator goes on at once, in no turn of the loop, as after an `await`. */
  static #waitsForPromise(driver: GeneratorDriver<unknown>, yielded: unknown): boolean {
    let promise: PromiseLike<unknown>
    try {
      promise = toYielded(yielded)
    } catch (error) {
      GeneratorDriver.#setInput(driver, error, true)
      return false
    }
    const goOn = (value: unknown, throws: boolean): void => {
      GeneratorDriver.#setInput(driver, value, throws)
      GeneratorDriver.#advance.call(driver)
    }
    void Promise.resolve(promise).then(
      (value) => goOn(value, false),
      (error) => goOn(error, true),
    )
    return true
  }

  static #take(driver: GeneratorDriver<unknown>, future: Future<unknown>): void {
    try {
      GeneratorDriver.#setInput(driver, future.result(), false)
    } catch (error) {
      GeneratorDriver.#setInput(driver, error, true)
    }
  }

  static #setInput(driver: GeneratorDriver<unknown>, input: unknown, throws: boolean): void {
    driver.#input = input
    driver.#throws = throws
  }
}
