import { runInAsyncContext } from '../context/async-context.ts'
import { Context } from '../context/context-vars.ts'
import { describe, isThenable } from '../arguments.ts'
import { isCancelled, toCancelledError } from '../errors/errors.ts'
import { awaitHere, ChainedPromise } from '../futures/chained-promise.ts'
import { Future } from '../futures/future.ts'
import type { EventLoop } from '../loop/loop.ts'
import { serviceTasks, taskEnd, taskStart, taskTracing } from './channels.ts'
import {
  claimGenerator,
  Coroutine,
  type CoroutineFunction,
  type CoroutineGenerator,
  isGenerator,
} from './coroutine.ts'
import { currentFrame } from '../context/current.ts'
import { follow } from './follower.ts'
import { Frame } from './frame.ts'
import { ABANDONED, CLOSING, ENDED, OPEN } from './frame-state.ts'
import { afterGroupTask, close, hasWaits } from './frame-end.ts'
import { attach, detach } from './frame-tree.ts'
import { GeneratorDriver } from './generator-driver.ts'
import { cancelFrame } from './propagate-cancel.ts'
import type { Task } from './task.ts'
import { outcomeOf } from './tracing.ts'

/** The number of tasks that were made in this thread. */
let made = 0

/** The body of a task: a function that returns a promise or a generator, a Coroutine, or a generator. */
export type TaskBody<T> = CoroutineFunction<[], T> | Coroutine<T> | CoroutineGenerator<T>

/**
 * The outermost frame of a task. (A frame is the object for one scope or task; it lists the waits of its code.) The
 * Execution runs the body and gives the task its outcome. The program holds the Task; the loop works with the
 * Execution.
 *
 * The states of a task, as in CPython:
 *
 * (1) The task waits on futures. A cancel goes to these futures.
 *
 * (2) The futures have ended, and the ready queue of the loop has an entry that will resume the task. A cancel is
 * remembered, and the code gets the CancelledError in place of the result.
 *
 * (3) The code of the task runs. A cancel is remembered until the code next waits on a pending future.
 *
 * (4) A state that CPython does not have: the task was cancelled and its body has ended, but async calls that the body
 * has begun and not awaited are still in their clean-up. The task is done when these calls have ended.
 */
export class Execution extends Frame {
  declare readonly task: Task
  override readonly loop: EventLoop
  /**
   * The number by which tools refer to the task. The tasks of a thread are numbered in the order in which they were
   * made.
   */
  readonly id: number
  /**
   * The time at which the task was made, in milliseconds, from the inexact clock `Scheduler.roughTime`. Snapshots
   * compute the age of the task from this time.
   */
  readonly born: number
  #body: TaskBody<unknown> | null
  #context: Context | null
  /**
   * A promise that fulfils after the async body has ended; null if the body is not async or has not begun, and when the
   * task has ended. `bodyWaitsFor` awaits this promise, and then finds out from V8's stack traces whether the body waits
   * for a given future. No other code may await the promise, because V8 does not show the functions that wait for a
   * promise that is awaited twice.
   */
  #bodyEnd: Promise<void> | null = null

  constructor(
    task: Task,
    loop: EventLoop,
    group: Frame | null,
    body: TaskBody<unknown>,
    context: Context | null,
  ) {
    super(task, group)
    this.id = ++made
    this.born = loop.roughTime()
    this.loop = loop
    this.#body = body
    this.#context = context
  }

  /** The body of the task, which `Task.getCoro` returns; null when the body has ended. */
  get body(): TaskBody<unknown> | null {
    return this.#body
  }

  /**
   * A promise that fulfils after the async body has ended. Only `bodyWaitsFor` may await it. Null if the body is not
   * async or has not begun, and when the task has ended.
   */
  get bodyEnd(): Promise<void> | null {
    return this.#bodyEnd
  }

  get started(): boolean {
    return this.#body === null || !this.isBeforeStart()
  }

  override contextVars(): Context {
    this.#context ??= new Context()
    return this.#context
  }

  override label(): string {
    return this.isOwnWait() ? `resume ${this.task.name}` : `start ${this.task.name}`
  }

  /**
   * Called by the loop when it takes this Execution from its ready queue. The first call begins the body of the task.
   * Each later call resumes the code of an `await`.
   */
  override run(): void {
    if (this.isOwnWait()) {
      super.run()
      return
    }
    // There may be nothing to run, for one of two reasons. (1) `abandon` has ended the task before its first turn.
    // (2) This Execution was put in the ready queue to resume an `await`. But before its turn came, `driveBy` has
    // passed that wait to an Awaiter (an object that resumes one wait), which is in the queue too.
    if (!this.isBeforeStart()) return
    if (this.cancellation?.pending === true) {
      const body = this.#body
      if (body instanceof Coroutine) body.close()
      this.takeStart()
      // The task was cancelled before its first turn, so its body never begins. The task ends as if the body had begun
      // and had thrown the CancelledError.
      const message = this.cancelMessage
      Execution.#end(this, () =>
        this.task.endCancelled(message === undefined ? message : toCancelledError(message)),
      )
      return
    }
    this.loop.hold(this.task)
    this.begin()
  }

  begin(): void {
    if (taskStart.hasSubscribers) taskStart.publish({ task: this.task })
    // oxlint-disable-next-line typescript/unbound-method -- the function is called with the second argument as its `this`
    const body = taskTracing.isOn ? Execution.#runTraced : Execution.#runBody
    runInAsyncContext(this.takeStart(), this, body)
  }

  static #runTraced(this: Execution): void {
    const { task } = this
    const isService = serviceTasks.has(task)
    taskTracing.run(task, { task, isService }, () => Execution.#runBody.call(this))
  }

  static #runBody(this: Execution): void {
    const body = this.#body as TaskBody<unknown>
    let result: unknown
    try {
      result = typeof body === 'function' ? body() : body
      if (result instanceof Coroutine) result = result.begin()
      else if (result === body) claimGenerator(body)
    } catch (error) {
      this.crash(error)
      return
    }
    if (result instanceof Promise) {
      // A ChainedPromise is the result of `catch` or the like of a future. Only an `await` of it, as in `awaitHere`,
      // counts as a wait of the task, which a cancel can end. The constructor is compared, because `instanceof` would
      // cost 30 ns here, which is 5% of the time of a small task.
      const promise = result.constructor === ChainedPromise ? awaitHere(result) : result
      this.#bodyEnd = promise.then(bodyReturned, bodyThrew)
    } else if (isGenerator<unknown>(result)) {
      const driver = new GeneratorDriver(this, result)
      this.driveBy(driver)
      driver.start()
    } else if (result instanceof Future) follow(this, result)
    else if (isThenable(result)) void Promise.resolve(result).then(bodyReturned, bodyThrew)
    else {
      this.crash(
        new TypeError(
          `a task needs an async or generator function; ${describe(body)} returned ${describe(result)}`,
        ),
      )
    }
  }

  /**
   * Called when the body has returned `value`: ends the task with this result. If a cancel is pending (no `await` of the
   * body has thrown its CancelledError), the task ends as cancelled instead. If the task was cancelled, and other async
   * calls that the body has begun still wait, the task ends only after these calls. If `abandon` has ended the task
   * before, nothing happens.
   */
  finish(value: unknown): void {
    const { task, cancellation } = this
    if (task.done()) return
    // No wait of the body has thrown the CancelledError of this cancel, usually because the cancel came after the last
    // wait. The task ends as cancelled all the same.
    if (cancellation?.pending === true && !cancellation.isCleaningUp) {
      const message = cancellation.remembered
      Execution.#end(this, () => task.endCancelled(message))
    } else if (Execution.#isClean(this)) {
      task.fulfill(value)
      Execution.#release(this)
    } else {
      if (cancellation !== null && cancellation.count > 0) this.loop.monitor?.cancelSwallowed(task)
      Execution.#end(this, () => task.fulfill(value))
    }
  }

  /**
   * Called when the body has thrown `error`. If `error` is a CancelledError, or an AbortError that a cancel of the task
   * or of a scope around its group has caused, the task ends as cancelled. Otherwise the task fails with `error`. If
   * `abandon` has ended the task before, `error` is only reported.
   */
  crash(error: unknown): void {
    const { task } = this
    if (task.done()) {
      Execution.#reportLate(this, error)
      return
    }
    const cancel = this.cancelOf(error)
    Execution.#end(this, () => {
      if (cancel === null) task.fail(error)
      else task.endCancelled(cancel)
    })
  }

  /**
   * Reports the error that the code of the task has thrown after `abandon` had ended the task. No code waits for the
   * task any more, so no other code can report it.
   */
  static #reportLate(execution: Execution, exception: unknown): void {
    if (isCancelled(exception) || execution.isOfAbort(exception)) return
    execution.loop.callExceptionHandler({
      message: `${execution.task.name} has failed after it was abandoned`,
      exception,
      task: execution.task,
    })
  }

  /**
   * Whether the task can end at once: it was never cancelled, and no call that its body has begun still waits. Also
   * false if `cancellation` was set for another reason, such as a read of the AbortSignal: `#end` then decides.
   */
  static #isClean(execution: Execution): boolean {
    return (
      execution.cancellation === null && !execution.hasOwnWaits() && execution.firstChild === null
    )
  }

  /**
   * Called when the body has ended. `settle` gives the task its outcome. This function calls `settle` at once, unless
   * the task was cancelled and async calls that the body has begun and not awaited still wait: then `settle` is called
   * when these calls have ended.
   */
  static #end(execution: Execution, settle: () => void): void {
    const { cancellation } = execution
    cancellation?.confirm()
    if (cancellation !== null) cancellation.pending = false
    if (cancellation !== null && cancellation.count > 0) close(execution)
    if (cancellation !== null && execution.state === CLOSING && hasWaits(execution)) {
      execution.#body = null
      execution.endDriver()
      cancellation.onQuiet = () => {
        settle()
        Execution.#release(execution)
      }
      execution.loop.release(execution.task)
      return
    }
    settle()
    Execution.#release(execution)
  }

  /**
   * Cancels the task because of SIGINT or SIGTERM. Such a cancel must not be lost, so it is thrown again at the next
   * wait, until it is certain that the body has got the cancel.
   */
  cancelFromProcess(): void {
    cancelFrame(this, undefined)
    if (this.cancellation !== null) this.cancellation.isFromProcess = true
  }

  /**
   * Ends the task at once, without waiting for its code: as cancelled, or with the outcome of its body if the body has
   * ended already. This is meant for supervisors that kill a task. Each wait that the code begins after that throws a
   * CancelledError.
   */
  abandon(): void {
    const { task, cancellation } = this
    if (task.done()) return
    if (cancellation !== null && cancellation.onQuiet !== null) cancellation.becameQuiet()
    else {
      if (this.isBeforeStart() && this.#body instanceof Coroutine) this.#body.close()
      task.endCancelled('the task was abandoned')
      Execution.#release(this)
    }
    this.state = ABANDONED
  }

  static #release(execution: Execution): void {
    const { task, loop } = execution
    if (execution.state === OPEN) execution.state = ENDED
    execution.#body = null
    execution.#bodyEnd = null
    execution.endDriver()
    loop.tasks.remove(execution)
    loop.monitor?.taskEnded(task)
    if (taskEnd.hasSubscribers) taskEnd.publish({ task })
    if (taskTracing.isLive) taskTracing.settle(task, outcomeOf(task))
    if (execution.hasOwnWaits() || execution.firstChild !== null) execution.link()
    if (execution.enclosing !== null) afterGroupTask(execution.enclosing)
    loop.releaseEnded(task)
  }

  /**
   * If the task has ended while async calls that its body has begun and not awaited still wait, adds this frame (the
   * object that lists these waits) to a list, so that the run finds the waits when it ends. For a task of a group, this
   * list is the list of the frames inside the frame of the group; for any other task, it is a list of the loop.
   */
  override link(): void {
    if (!this.task.done()) return
    if (this.enclosing === null) this.loop.leftBehind.add(this)
    else attach(this)
  }

  override unlink(): void {
    if (this.enclosing === null) this.loop.leftBehind.delete(this)
    else if (this.task.done()) detach(this)
  }

  /**
   * The frame (the object for one scope or task) around this one. Null until the task is done, because this is the
   * outermost frame of the task. After a task of a group has ended, its other calls may still wait; their waits then
   * count as waits inside the group, and this property returns the frame of the group.
   */
  override get parent(): Frame | null {
    return this.enclosing !== null && this.task.done() ? this.enclosing : null
  }
}

/**
 * Called when the promise of the body has fulfilled. The values of AsyncLocalStorage are then those of the task, so
 * this function finds the Execution of the task by `currentFrame()`, and one function serves all tasks. Closures that
 * hold the Execution would cost two objects for each task.
 */
function bodyReturned(value: unknown): void {
  execution().finish(value)
}

function bodyThrew(error: unknown): void {
  execution().crash(error)
}

function execution(): Execution {
  const { task } = currentFrame() as Execution
  return task.ownExecution()
}
