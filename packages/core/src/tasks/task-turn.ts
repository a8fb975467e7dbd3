import {
  type AsyncContext,
  resumeAsyncContext,
  saveAsyncContext,
} from '../context/async-context.ts'
import { currentTask } from '../context/current.ts'
import { RuntimeError } from '../errors/errors.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Runnable } from '../loop/ready-queue.ts'
import type { Task } from './task.ts'

/**
 * Calls a function as code of a task, while the body of the task waits.
 *
 * The problem: the body of an actor's task waits until a message comes, and then handles the message. To resume an
 * async function and to let it wait again takes about 0.2 microseconds, which is longer than many handlers run.
 *
 * The idea: the body is not resumed. A TaskTurn, which takes about 0.05 microseconds, is put in the ready queue, the
 * list of the things that the loop runs one after another. When the loop takes the TaskTurn from the queue, it calls
 * the function `work` with the AsyncLocalStorage values of the code that has made the TaskTurn: `currentTask()` returns
 * the task, and a cancel of the task ends the waits that `work` begins.
 *
 * @example
 *     let received = 0
 *     const task = createTask(async () => {
 *       const turn = new TaskTurn(() => {
 *         received++
 *         console.log(currentTask()?.name) // receiver
 *         return false
 *       })
 *       turn.push()
 *       await sleep(10)
 *       return received
 *     }, { name: 'receiver' })
 *     console.log(await task) // 1
 */
export class TaskTurn implements Runnable {
  /**
   * @internal The bundler renames a class that refers to itself to `_TaskTurn`. This field keeps the name that users see.
   */
  static readonly name: string = 'TaskTurn'

  readonly #task: Task
  readonly #loop: EventLoop
  readonly #context: AsyncContext = saveAsyncContext()
  readonly #work: () => boolean
  /**
   * Whether this turn is in the ready queue of the loop, or is about to be put there after a call of `pushAfterIO`.
   */
  isQueued = false

  /**
   * Makes an object whose `push()` lets the loop call `work` as code of the current task. `work` must return true if it
   * has called an async function that has not ended. Then the loop runs no other task or callback until that function
   * waits for a future, or no microtask is left. Otherwise `work` must return false, and the loop continues at once.
   *
   * @throws {RuntimeError} outside of a task
   */
  constructor(work: () => boolean) {
    const task = currentTask()
    if (task === null) throw new RuntimeError('TaskTurn needs a running task: make it inside one')
    this.#task = task
    this.#loop = task.getLoop()
    this.#work = work
  }

  /**
   * Puts this turn in the ready queue of the loop, so that the loop soon calls `work`, unless the task has ended by then.
   * Does nothing if the turn is in the queue already.
   */
  push(): void {
    if (this.isQueued) return
    this.isQueued = true
    this.#loop.push(this)
  }

  /**
   * Makes the loop call `work` after Node has handled the I/O that is ready: only then, this turn is put in the ready
   * queue. In virtual time, works as `push`. Does nothing if the turn is in the queue, or waits for
   * this I/O after an earlier call.
   */
  pushAfterIO(): void {
    if (this.isQueued) return
    this.isQueued = true
    this.#loop.pushAfterIO(this)
  }

  /** @internal */
  run(): void {
    this.isQueued = false
    if (this.#task.done()) return
    this.#loop.hold(this.#task)
    // oxlint-disable-next-line typescript/unbound-method -- `this` is the second argument
    resumeAsyncContext(this.#context, this, TaskTurn.#call)
  }

  /** @internal */
  label(): string {
    return `turn of ${this.#task.name}`
  }

  static #call(this: TaskTurn): void {
    let goesOn = false
    try {
      goesOn = this.#work()
    } finally {
      if (!goesOn) this.#loop.release(this.#task)
    }
  }
}
