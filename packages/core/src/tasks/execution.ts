import { runInAsyncContext } from '../context/async-context.ts'
import { Context } from '../context/context-vars.ts'
import { describe, isThenable } from '../arguments.ts'
import { type CancelledError, isCancelled, toCancelledError } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import type { EventLoop } from '../loop/loop.ts'
import { taskEnd, taskStart } from './channels.ts'
import {
  claimGenerator,
  Coroutine,
  type CoroutineFunction,
  type CoroutineGenerator,
  isGenerator,
} from './coroutine.ts'
import { currentFrame } from '../context/current.ts'
import { follow } from './follower.ts'
import { attach, detach, Frame } from './frame.ts'
import { ABANDONED, afterGroupTask, close, CLOSING, ENDED, hasWaits, OPEN } from './frame-waits.ts'
import { GeneratorDriver } from './generator-driver.ts'
import { cancelFrame } from './propagate-cancel.ts'
import type { Task } from './task.ts'

/** How many tasks of the thread were made. */
let made = 0

/** What a task runs. */
export type TaskBody<T> = CoroutineFunction<[], T> | Coroutine<T> | CoroutineGenerator<T>

/**
 * The outermost frame of a task: runs its body, and gives the task its outcome. The Task is what the program holds; the
 * Execution is what the loop works with.
 *
 * The states of a task, as CPython has them: (1) it waits on futures, and a cancel goes to them; (2) what it waited on
 * has ended, and its turn is in the ready queue: a cancel is remembered and wins over the result; (3) its code runs: a
 * cancel is remembered until it next waits on a pending future. Beyond CPython: (4) it was cancelled and its body has
 * ended, but other flows of it are still in their clean-up: it is done when those have ended.
 */
export class Execution extends Frame {
  declare readonly task: Task
  /** Its place in the order in which the tasks of the thread were made: how tools refer to it. */
  readonly id: number
  /** When the task was made: `Scheduler.roughTime`. */
  readonly born: number
  #body: TaskBody<unknown> | null
  #context: Context | null

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
    this.#body = body
    this.#context = context
  }

  override get scopeLoop(): EventLoop {
    return this.task.getLoop()
  }

  /** What it runs; null when it has ended. */
  get body(): TaskBody<unknown> | null {
    return this.#body
  }

  get started(): boolean {
    return this.#body === null || !this.isBeforeStart()
  }

  override scopeContext(): Context {
    this.#context ??= new Context()
    return this.#context
  }

  override label(): string {
    return this.isOwnWait() ? `resume ${this.task.name}` : `start ${this.task.name}`
  }

  /** The first step, or the turn after its own wait has ended. */
  override run(): void {
    if (this.isOwnWait()) {
      super.run()
      return
    }
    // A turn that was in the queue when the await got a reaction of its own: `driveBy`.
    if (!this.isBeforeStart()) return
    if (this.cancellation?.pending === true) {
      const body = this.#body
      if (body instanceof Coroutine) body.close()
      this.takeStart()
      // As if its code had thrown it.
      const message = this.cancelMessage
      Execution.#end(this, () =>
        this.task.endCancelled(message === undefined ? message : toCancelledError(message)),
      )
      return
    }
    this.scopeLoop.hold(this.task)
    this.begin()
  }

  begin(): void {
    if (taskStart.hasSubscribers) taskStart.publish({ task: this.task })
    // oxlint-disable-next-line typescript/unbound-method -- `this` is the second argument
    runInAsyncContext(this.takeStart(), this, Execution.#runBody)
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
    if (result instanceof Promise) void result.then(bodyReturned, bodyThrew)
    else if (isGenerator<unknown>(result)) {
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

  /** The body has returned. */
  finish(value: unknown): void {
    const { task, cancellation } = this
    if (this.state === ABANDONED) return
    // Cancelled in its last stretch, with nothing left to wait on.
    if (cancellation?.pending === true) {
      const message = cancellation.remembered
      Execution.#end(this, () => task.endCancelled(message))
    } else if (Execution.#isClean(this)) {
      task.fulfill(value)
      Execution.#release(this)
    } else {
      if (cancellation !== null && cancellation.count > 0)
        this.scopeLoop.monitor?.cancelSwallowed(task)
      Execution.#end(this, () => task.fulfill(value))
    }
  }

  /** The body has thrown. */
  crash(error: unknown): void {
    const { task } = this
    if (this.state === ABANDONED) {
      Execution.#reportLate(this, error)
      return
    }
    let cause: string | CancelledError | undefined
    if (isCancelled(error)) cause = error
    else if (this.cancellation?.isOwnAbort(error) === true) cause = this.cancellation.message
    else {
      Execution.#end(this, () => task.fail(error))
      return
    }
    Execution.#end(this, () => task.endCancelled(cause))
  }

  /** What the code of an abandoned task throws when it ends: nobody waits for it any more. */
  static #reportLate(execution: Execution, exception: unknown): void {
    if (isCancelled(exception) || execution.isOwnAbort(exception)) return
    execution.scopeLoop.callExceptionHandler({
      message: `${execution.task.name} has failed after it was abandoned`,
      exception,
      task: execution.task,
    })
  }

  /** Never cancelled: it need not look for other flows. */
  static #isClean(execution: Execution): boolean {
    return (
      execution.cancellation === null && !execution.hasOwnWaits() && execution.firstChild === null
    )
  }

  /** The body has ended: `settle` gives the task its outcome, at once unless a cancelled task has other flows left. */
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
      execution.scopeLoop.release(execution.task)
      return
    }
    settle()
    Execution.#release(execution)
  }

  /** A cancel by SIGINT or SIGTERM: it stays due after every delivery that is not confirmed. */
  cancelFromProcess(): void {
    cancelFrame(this, undefined)
    if (this.cancellation !== null) this.cancellation.isFromProcess = true
  }

  /** Gives the task its outcome without waiting for its flows; its code can wait on nothing from now on. */
  abandon(): void {
    if (this.task.done()) return
    if (this.state === CLOSING && this.cancellation !== null) {
      this.cancellation.becameQuiet()
      return
    }
    this.task.endCancelled('the task was abandoned')
    Execution.#release(this)
    this.state = ABANDONED
  }

  static #release(execution: Execution): void {
    const { task, scopeLoop: loop } = execution
    if (execution.state === OPEN) execution.state = ENDED
    execution.#body = null
    execution.endDriver()
    loop.disown(execution)
    loop.monitor?.taskEnded(task)
    if (taskEnd.hasSubscribers) taskEnd.publish({ task })
    if (execution.hasOwnWaits() || execution.firstChild !== null) execution.link()
    if (execution.enclosing !== null) afterGroupTask(execution.enclosing)
    loop.releaseEnded(task)
  }

  /** The task has ended, and code that it began still waits: the end of the run must find it. */
  override link(): void {
    if (!this.task.done()) return
    if (this.enclosing === null) this.scopeLoop.leftBehind.add(this)
    else attach(this)
  }

  override unlink(): void {
    if (this.enclosing === null) this.scopeLoop.leftBehind.delete(this)
    else if (this.task.done()) detach(this)
  }

  /** What a group's task has left running when it ended belongs to the group's frame. */
  override get parent(): Frame | null {
    return this.enclosing !== null && this.task.done() ? this.enclosing : null
  }
}

/** Called in the task's asynchronous context, which saves two closures for each task. */
function bodyReturned(value: unknown): void {
  execution().finish(value)
}

function bodyThrew(error: unknown): void {
  execution().crash(error)
}

function execution(): Execution {
  let frame = currentFrame() as Frame
  for (let outer = frame.parent; outer !== null; outer = outer.parent) frame = outer
  return frame as Execution
}
