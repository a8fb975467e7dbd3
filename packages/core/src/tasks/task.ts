import { describe, isThenable } from '../arguments.ts'
import {
  captureOwnContext,
  currentFrame,
  currentScope,
  type FrameScope,
  type OwnFrame,
  runInAsyncContext,
  type Scope,
  scopeOfFrame,
  standForFrames,
} from '../context/async-context.ts'
import { Context, rootContext } from '../context/context-vars.ts'
import {
  claimGenerator,
  Coroutine,
  type CoroutineFunction,
  type CoroutineGenerator,
  isCoroutine,
  isGenerator,
} from './coroutine.ts'
import { Cancellation } from './cancellation.ts'
import { cancelAndWait } from './cancel-and-wait.ts'
import { checkLoop, currentTask, loopOf } from '../context/current.ts'
import { Driver } from './generator-driver.ts'
import {
  type CancelledError,
  isCancelled,
  RuntimeError,
  toCancelledError,
} from '../errors/errors.ts'
import { follow } from './follower.ts'
import { Future } from '../futures/future.ts'
import { taskCreate, taskEnd, taskStart } from './channels.ts'
import type { EventLoop } from '../loop/loop.ts'
import { deliverCancel, spreadCancel } from './propagate-cancel.ts'
import { Interruption, Waiter } from './waiter.ts'
import type { Reaction } from '../futures/reaction.ts'

/** What a task runs. */
export type TaskBody<T> = CoroutineFunction<[], T> | Coroutine<T> | CoroutineGenerator<T>

export interface TaskOptions {
  /** "Task-1", … unless given. */
  name?: string | undefined
  /** The context variables it sees; by default a copy of the creator's. */
  context?: Context | undefined
  /** Runs the body up to its first suspension at once, inside the call. */
  eager?: boolean | undefined
  loop?: EventLoop | undefined
}

/**
 * A Future that runs a coroutine. While its code runs it is `currentTask()`. Made by `createTask`.
 *
 * The states, as CPython has them: (1) it waits on futures, and `cancel` goes to them; (2) what it
 * waited on has ended, and its turn is in the ready queue: a cancel is remembered and wins over the
 * result; (3) its code runs: a cancel is remembered until it next waits on a pending future.
 *
 * Source: asyncio.Task. Differs: it can wait on several futures at once (`Promise.all`), and on foreign
 * promises, which a cancel cannot interrupt.
 */
export class Task<T = unknown> extends Waiter<T> implements FrameScope, AsyncDisposable {
  /** @internal the bundler calls a class that names itself `_Task` */
  static override readonly name: string = 'Task'

  #name: string | number
  #parent: Task | null
  #coro: TaskBody<T> | null
  #context: Context | null
  /** Made by the first cancel, or the first look at the signal. */
  #cancellation: Cancellation | null = null
  /** @internal the loop's list of live tasks */
  nextTask: Task | null = null
  /** @internal */
  previousTask: Task | null = null

  /** @internal use createTask */
  constructor(
    coro: TaskBody<T>,
    loop: EventLoop,
    creator: Scope | undefined,
    frame: OwnFrame | undefined,
    options: TaskOptions | undefined,
  ) {
    super({ loop })
    const parent = creator?.scopeTask ?? null
    this.#name = options?.name ?? 0
    this.#parent = parent
    // A line of tasks each of which makes the next one and ends must not be kept by its last.
    if (parent !== null && parent.#parent !== null && parent.#parent.done()) parent.#parent = null
    this.#coro = coro
    const context = options?.context ?? null
    this.#context = context
    if (context === null) {
      const current = creator === undefined ? rootContext() : creator.scopeContext()
      if (!current.isEmpty()) this.#context = current.copy()
    }
    this.setStart(captureOwnContext(this, frame))
    const number = loop.adopt(this)
    if (this.#name === 0) this.#name = number
    if (taskCreate.hasSubscribers) taskCreate.publish({ task: this })
    if (options?.eager === true) Task.#begin(this)
    else loop.push(this)
  }

  get name(): string {
    return typeof this.#name === 'number' ? `Task-${this.#name}` : this.#name
  }

  set name(name: string) {
    this.#name = name
  }

  /** The task that created it, or null when plain code did; forgotten when that task has ended and this one creates another. */
  get parent(): Task | null {
    return this.#parent
  }

  /** Whether its body has begun. */
  get started(): boolean {
    return this.#coro === null || !this.isBeforeStart()
  }

  /**
   * Aborts when the task is cancelled, for APIs that take an AbortSignal. After `uncancel()` has taken
   * the last cancel back there is a new one. A listener that takes the signal's `reason`, as `fetch`
   * does to reject with it, has thereby delivered the cancel.
   */
  get signal(): AbortSignal {
    return this.cancellation.signal
  }

  /** A task's result is its coroutine's. @throws {RuntimeError} always */
  override setResult(_value: T): void {
    throw new RuntimeError('a task does not support setResult: its coroutine gives the result')
  }

  /** @throws {RuntimeError} always */
  override setException(_error: unknown): void {
    throw new RuntimeError('a task does not support setException: its coroutine gives the outcome')
  }

  /**
   * Asks the task to end: every pending future it waits on is cancelled, and so its `await` throws
   * CancelledError. When there is none that accepts, the cancel is remembered and delivered the next
   * time it waits on a pending future; before the first step, the body never runs. In a circle of tasks that
   * wait for each other, the last of them is interrupted. False when done.
   */
  override cancel(msg?: string | CancelledError): boolean {
    return this.done() ? super.cancel() : spreadCancel(this, msg)
  }

  /** @internal */
  override get cancellation(): Cancellation {
    this.#cancellation ??= new Cancellation()
    return this.#cancellation
  }

  /** How many cancels were asked for and not taken back. */
  cancelling(): number {
    return this.#cancellation?.count ?? 0
  }

  /** Takes one cancel back, for who asked for it; returns how many remain. */
  uncancel(): number {
    return this.#cancellation?.takeBack() ?? 0
  }

  /** What it runs, or null when it has ended. */
  getCoro(): TaskBody<T> | null {
    return this.#coro
  }

  getContext(): Context {
    return this.scopeContext()
  }

  /** Cancels it and waits for its end, also when the waiting task is itself cancelled; its CancelledError is not an error. */
  async [Symbol.asyncDispose](): Promise<void> {
    await cancelAndWait(this)
    if (!this.cancelled()) this.result()
  }

  /** @internal */
  override showsCancelOnce(): boolean {
    return true
  }

  /** @internal */
  override inspectedName(): string {
    return ` ${this.name}`
  }

  /** Of a frame that is copied: `standForFrames`. */
  override [Symbol.iterator](): CoroutineGenerator<T> {
    return currentScope() === this ? Task.#asEntry<T>(this) : super[Symbol.iterator]()
  }

  static *#asEntry<T>(task: Task<T>): CoroutineGenerator<T> {
    return (yield task) as T
  }

  /** @internal */
  override get scopeTask(): Task {
    return this
  }

  /** @internal */
  get scopeLoop(): EventLoop {
    return this.getLoop()
  }

  /** @internal */
  scopeContext(): Context {
    this.#context ??= new Context()
    return this.#context
  }

  /** @internal the first step, or its turn after what it waited on has ended */
  override run(): void {
    if (this.isOwnWait()) {
      this.goOn()
      return
    }
    // A turn that was on its way when the await got a reaction of its own: `driveBy`.
    if (!this.isBeforeStart()) return
    if (this.mustCancel) {
      if (this.#coro instanceof Coroutine) this.#coro.close()
      this.takeStart()
      // As if its code had thrown it.
      const message = this.cancelMessage
      this.endCancelled(message === undefined ? message : toCancelledError(message))
      Task.#ended(this)
      return
    }
    this.getLoop().hold(this)
    Task.#begin(this)
  }

  static #begin<T>(task: Task<T>): void {
    if (taskStart.hasSubscribers) taskStart.publish({ task })
    // oxlint-disable-next-line typescript/unbound-method -- `this` is the second argument
    runInAsyncContext(task.takeStart(), task, Task.#runBody<T>)
  }

  static #runBody<T>(this: Task<T>): void {
    const coro = this.#coro as TaskBody<T>
    let result: unknown
    try {
      result = typeof coro === 'function' ? coro() : coro
      if (result instanceof Coroutine) result = result.begin()
      else if (result === coro) claimGenerator(coro)
    } catch (error) {
      this.crash(error)
      return
    }
    if (result instanceof Promise) void result.then(bodyReturned, bodyThrew)
    else if (isGenerator<T>(result)) {
      const driver = new Driver(this, result)
      this.driveBy(driver)
      driver.start()
    } else if (result instanceof Future) follow(this, result as Future<T>)
    else if (isThenable(result)) void Promise.resolve(result).then(bodyReturned, bodyThrew)
    else {
      this.crash(
        new TypeError(
          `a task needs an async or generator function; ${describe(coro)} returned ${describe(result)}`,
        ),
      )
    }
  }

  /** @internal */
  override label(): string {
    return this.isOwnWait() ? `resume ${this.name}` : `start ${this.name}`
  }

  /** @internal */
  override suspend(reaction: Reaction, future: Future<unknown>): void {
    super.suspend(reaction, future)
    this.getLoop().release(this)
    const cancellation = this.#cancellation
    if (cancellation?.pending !== true || !this.waitingOn.has(future)) return
    if (deliverCancel(this, future, cancellation.remembered)) {
      cancellation.pending = false
      this.getLoop().monitor?.cancelDelivered(this)
    }
  }

  /** @internal its turn after `future`, which it waited on, has ended: null, or the cancel to throw instead of the outcome */
  override resume(future: Future<unknown>): CancelledError | null {
    if (this.done()) return null
    this.getLoop().hold(this)
    const cancellation = this.#cancellation
    if (cancellation === null) return null
    const wasPending = cancellation.pending
    cancellation.pending = false
    if (future instanceof Interruption) return future.cancelledError()
    if (!wasPending || future.cancelled()) return null
    // A gather that was cancelled fails with a CancelledError, which stays, as in asyncio.
    if (future.done() && isCancelled(future.exception())) return null
    return toCancelledError(cancellation.remembered)
  }

  /** @internal a remembered cancel that the next turn will deliver */
  override get mustCancel(): boolean {
    return this.#cancellation?.pending === true
  }

  /** @internal what the last cancel said that had to be remembered, also when it has come to nothing */
  get cancelMessage(): string | CancelledError | undefined {
    return this.#cancellation?.remembered
  }

  /** @internal */
  finish(value: T): void {
    // Cancelled in its last stretch, with nothing left to wait on.
    if (this.mustCancel) this.endCancelled(this.cancelMessage)
    else this.fulfill(value)
    Task.#ended(this)
  }

  /** @internal */
  crash(error: unknown): void {
    if (isCancelled(error)) this.endCancelled(error)
    else if (this.#cancellation?.isOwnAbort(error) === true) {
      this.endCancelled(this.#cancellation.message)
    } else this.fail(error)
    Task.#ended(this)
  }

  static #ended(task: Task): void {
    if (task.#cancellation !== null) task.#cancellation.pending = false
    task.#coro = null
    task.endDriver()
    const loop = task.getLoop()
    loop.disown(task)
    loop.monitor?.taskEnded(task)
    if (taskEnd.hasSubscribers) taskEnd.publish({ task })
    loop.releaseEnded(task)
  }
}

standForFrames(Task.prototype)

/** Called in the task's asynchronous context, which spares two closures a task. */
function bodyReturned(value: unknown): void {
  ;(currentTask() as Task).finish(value)
}

function bodyThrew(error: unknown): void {
  ;(currentTask() as Task).crash(error)
}

/**
 * Starts `coro` as a task, a child of the current one. Its body begins in a turn of its own.
 *
 * @throws {TypeError} when `coro` is neither an async or generator function nor a Coroutine
 *
 * Source: asyncio.create_task. Differs: takes the function, since calling it would already run it.
 */
export function createTask<T>(coro: TaskBody<T>, options?: TaskOptions): Task<T> {
  if (typeof coro !== 'function' && !isCoroutine(coro)) {
    throw new TypeError(
      `createTask takes a function that returns a promise or generator, or a Coroutine; got ${describe(coro)}`,
    )
  }
  const frame = currentFrame()
  if (options !== undefined) checkOptions(options)
  const creator = scopeOfFrame(frame)
  const loop = options?.loop ?? loopOf(creator)
  loop.assertOpen()
  return new Task(coro, loop, creator, frame, options)
}

function checkOptions({ name, context, loop }: TaskOptions): void {
  if (loop !== undefined) checkLoop(loop)
  if (name !== undefined && typeof name !== 'string') {
    throw new TypeError(`the name of a task must be a string, got ${describe(name)}`)
  }
  if (context !== undefined && !(context instanceof Context)) {
    throw new TypeError(`the context of a task must be a Context, got ${describe(context)}`)
  }
}

/** The current task's signal. @throws {RuntimeError} outside a task */
export function taskSignal(): AbortSignal {
  const task = currentTask()
  if (task === null) throw new RuntimeError('taskSignal() needs a running task: call it inside one')
  return task.signal
}
