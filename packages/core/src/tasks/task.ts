import { checkCancelMessage, checkFlag, checkOptions, checkSignal, describe } from '../arguments.ts'
import {
  captureOwnContext,
  currentMap,
  type OwnMap,
  environmentOfMap,
} from '../context/async-context.ts'
import { Context, rootContext } from '../context/context-vars.ts'
import { checkLoop, currentFrame, loopOf } from '../context/current.ts'
import { CancelledError, RuntimeError } from '../errors/errors.ts'
import { cancelOnAbort } from '../futures/on-abort.ts'
import { describeWait } from '../futures/describe-wait.ts'
import { Future } from '../futures/future.ts'
import type { EventLoop } from '../loop/loop.ts'
import { cancelAndWait } from './cancel-and-wait.ts'
import { Cancellation } from './cancellation.ts'
import { serviceTasks, taskCreate, taskTracing } from './channels.ts'
import { isCoroutine } from './coroutine.ts'
import { Execution, type TaskBody } from './execution.ts'
import type { Frame } from './frame.ts'
import { framesOf } from './frame-tree.ts'
import { cancelFrame } from './propagate-cancel.ts'

/**
 * For each body that this library runs in place of the body that the program has passed: the body of the program. Such
 * is the body of a task of a group with the option `limit`, which first waits until the limit allows it to begin.
 */
export const passedBodies: WeakMap<object, TaskBody<unknown>> = new WeakMap()

export interface TaskOptions {
  /** The name of the task; by default "Task-1", "Task-2" and so on. */
  name?: string | undefined
  /** The context variables that the task sees; by default a copy of those of the code that creates the task. */
  context?: Context | undefined
  /**
   * Whether `createTask` itself begins the body, and returns when the body first waits. By default the body begins
   * later, in the loop.
   */
  eager?: boolean | undefined
  loop?: EventLoop | undefined
  /**
   * @internal whether a package does its own work in this task; tools that trace the tasks of the program leave such a
   * task out
   */
  isService?: boolean | undefined
  /**
   * The abort of this signal cancels the task. If the signal is aborted already when the task is created, the body
   * never begins, even if `eager` is true.
   */
  signal?: AbortSignal | undefined
}

/**
 * A future whose outcome comes from running a coroutine. Tasks are made by `createTask`. While the code of a task
 * runs, `currentTask()` returns that task.
 *
 * @example
 *     const task = createTask(async () => {
 *       try {
 *         await sleepForever()
 *       } finally {
 *         console.log('cleans up') // cleans up
 *       }
 *     })
 *     await sleep(1)
 *     task.cancel('no longer needed')
 *     await wait([task])
 *     console.log(task.cancelled()) // true
 *
 * Source: asyncio.Task. Differs: a task can wait on several futures at the same time (`Promise.all`), and on promises
 * that are not futures, which a cancel cannot interrupt.
 */
export class Task<T = unknown> extends Future<T> implements AsyncDisposable {
  /**
   * @internal The bundler renames a class that refers to itself to `_Task`. This field keeps the name that users see.
   */
  static override readonly name: string = 'Task'

  #name: string | number
  #parent: Task | null
  readonly #execution: Execution

  /** @internal use createTask */
  constructor(
    body: TaskBody<T>,
    loop: EventLoop,
    parent: Task | null,
    context: Context | null,
    map: OwnMap | undefined,
    group: Frame | null,
    options: TaskOptions | undefined,
  ) {
    super({ loop })
    this.#name = options?.name ?? 0
    this.#parent = parent
    // If each of many tasks creates the next one and then ends, the newest task must not keep all earlier tasks in
    // memory. So the creator of this new task forgets its own creator here, if its own creator has ended.
    if (parent !== null && parent.#parent !== null && parent.#parent.done()) parent.#parent = null
    const execution = new Execution(this, loop, group, body, context)
    this.#execution = execution
    execution.setStart(captureOwnContext(execution, map))
    const number = loop.tasks.add(execution)
    if (this.#name === 0) this.#name = number
    if (options?.isService === true && taskTracing.isOn) serviceTasks.add(this)
    if (taskCreate.hasSubscribers) taskCreate.publish({ task: this })
    if (options?.eager === true && options.signal?.aborted !== true) execution.begin()
    else loop.push(execution)
  }

  get name(): string {
    return typeof this.#name === 'number' ? `Task-${this.#name}` : this.#name
  }

  set name(name: string) {
    checkName(name)
    this.#name = name
  }

  /**
   * The task that created this task; null if code outside of every task created it. Also null when the creator has
   * ended and this task has then created another task: the creator can then be garbage-collected.
   */
  get parent(): Task | null {
    return this.#parent
  }

  /**
   * The futures that the task waits on: usually one, or none while its code runs; several in a `Promise.all`. A future
   * that has ended is listed until the loop resumes the code that waits on it. A future on which a lost branch of
   * `Promise.race` or a call without `await` waits is listed too.
   */
  get waitingOn(): ReadonlySet<Future<unknown>> {
    const waits = new Set<Future<unknown>>()
    for (const frame of framesOf(this.#execution)) {
      for (const future of frame.ownWaits()) waits.add(future)
    }
    return waits
  }

  /** Whether the body of the task has begun, or the task has ended without it. */
  get started(): boolean {
    return this.#execution.started
  }

  /**
   * A signal for APIs that take one: it aborts when the task is cancelled. When `uncancel()` has taken the last cancel
   * back, this property returns a new signal. If code reads the aborted signal, as `fetch` does to reject with its
   * reason, the cancel counts as delivered, and is not thrown at the next wait.
   */
  get signal(): AbortSignal {
    return signalOf(this.#execution)
  }

  /** @internal */
  override cancelledError(): CancelledError {
    const error = super.cancelledError()
    const wait = this.#execution.cancellation?.cancelledFuture ?? null
    CancelledError.noteTask(error, this.name, wait === null ? null : describeWait(wait))
    return error
  }

  /** Always throws, because the result of a task comes from its coroutine. @throws {RuntimeError} always */
  override setResult(_value: T): void {
    throw new RuntimeError('a task does not support setResult: its coroutine gives the result')
  }

  /** Always throws, because the outcome of a task comes from its coroutine. @throws {RuntimeError} always */
  override setException(_error: unknown): void {
    throw new RuntimeError('a task does not support setException: its coroutine gives the outcome')
  }

  /**
   * Asks the task to end: cancels every pending future that the task waits on, so that the code that awaits such a
   * future gets a CancelledError. If there is no such future, or none of them can be cancelled, the CancelledError is
   * thrown where the code of the task next resumes from a wait, or waits on a pending future. If the body has not begun,
   * it never runs. If tasks wait for each other in a circle, one of them gets the CancelledError, and each other task
   * gets it when the task that it waits for has ended. Returns false when the task is done; if it has failed, its failure
   * then counts as read, and is not reported.
   */
  override cancel(msg?: string | CancelledError): boolean {
    if (msg !== undefined) checkCancelMessage(msg)
    return this.done() ? super.cancel() : cancelFrame(this.#execution, msg)
  }

  /**
   * Returns the number of cancels that were asked for and not taken back. If code of the task calls this, the cancels
   * of the task and of the scopes around the running code are counted. If other code calls this, the cancels of the
   * task and of all its scopes are counted. The cancel of a `cancelScope` does not count.
   */
  cancelling(): number {
    const running = currentFrame()
    if (running?.task === this) return running.cancelling()
    let sum = 0
    for (const frame of framesOf(this.#execution)) sum += frame.cancellation?.count ?? 0
    return sum
  }

  /**
   * Takes one cancel back; the code that asked for the cancel calls this. Scopes can be cancelled as well as the task.
   * If code of the task calls this, a cancel of the innermost cancelled scope around that code is taken back, or else a
   * cancel of the task. If other code calls this, a cancel of the task is taken back, or else of its outermost
   * cancelled scope. The cancel of a `cancelScope` cannot be taken back, so such a scope does not count here. Returns the
   * number of cancels that remain.
   */
  uncancel(): number {
    const running = currentFrame()
    if (running?.task === this) return running.uncancel()
    const frame = framesOf(this.#execution).find((each) => (each.cancellation?.count ?? 0) > 0)
    frame?.cancellation?.takeBack()
    return this.cancelling()
  }

  /** Returns the body of the task, as it was passed to `createTask`; null when the body has ended. */
  getCoro(): TaskBody<T> | null {
    const { body } = this.#execution
    return ((body === null ? null : passedBodies.get(body)) ?? body) as TaskBody<T> | null
  }

  getContext(): Context {
    return this.#execution.contextVars()
  }

  /**
   * Cancels the task and waits until the task has ended, even if the waiting code is cancelled meanwhile; then the
   * CancelledError of the waiting code is thrown. Otherwise throws the error of the task if the task has failed; a
   * CancelledError of the task is not thrown.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await cancelAndWait(this)
    if (!this.cancelled()) this.result()
  }

  /** @internal */
  override ownExecution(): Execution {
    return this.#execution
  }

  /** @internal */
  override showsCancelOnce(): boolean {
    return true
  }

  /** @internal */
  override inspectedName(): string {
    return ` ${this.name}`
  }
}

/**
 * Starts `coro` as a task, whose parent is the current task. The body begins in a later step of the loop, unless the
 * option `eager` is true.
 *
 * @throws {TypeError} when `coro` is neither a function nor a Coroutine or generator, or an option is wrong
 * @throws {RuntimeError} when the option `loop` is a closed loop
 *
 * @example
 *     const task = createTask(() => sleep(10, 'done'), { name: 'worker' })
 *     console.log(task.name, task.done(), await task) // worker false done
 *
 * Source: asyncio.create_task. Differs: the argument is the function and not its call, because a call of an async
 * function would run it at once.
 */
export function createTask<T>(coro: TaskBody<T>, options?: TaskOptions): Task<T> {
  return createTaskIn(null, coro, options)
}

/**
 * Starts `coro` as a task. `group` is the frame (the object for one scope) of a task group, or null. If it is not null,
 * the task belongs to that group, and a cancel of a scope around the group cancels the task too.
 */
export function createTaskIn<T>(
  group: Frame | null,
  coro: TaskBody<T>,
  options?: TaskOptions,
): Task<T> {
  checkTaskBody(coro)
  const map = currentMap()
  if (options !== undefined) checkTaskOptions(options)
  const creator = environmentOfMap(map)
  const loop = options?.loop ?? loopOf(creator)
  loop.assertOpen()
  let context = options?.context ?? null
  if (context === null) {
    const current = creator === undefined ? rootContext() : creator.contextVars()
    if (!current.isEmpty()) context = current.copy()
  }
  const task = new Task(coro, loop, creator?.frame?.task ?? null, context, map, group, options)
  return options?.signal === undefined ? task : cancelOnAbort(task, options.signal)
}

/** @throws {TypeError} when `coro` cannot be the body of a task */
export function checkTaskBody(coro: unknown): void {
  if (typeof coro === 'function' || isCoroutine(coro)) return
  throw new TypeError(
    `createTask takes a function that returns a promise or generator, or a Coroutine; got ${describe(coro)}`,
  )
}

function checkTaskOptions(options: TaskOptions): void {
  checkOptions(options)
  const { name, context, eager, loop, signal } = options
  if (eager !== undefined) checkFlag('eager', eager)
  if (loop !== undefined) checkLoop(loop)
  if (signal !== undefined) checkSignal(signal)
  if (name !== undefined) checkName(name)
  if (context !== undefined && !(context instanceof Context)) {
    throw new TypeError(`the context of a task must be a Context, got ${describe(context)}`)
  }
}

function checkName(name: unknown): void {
  if (typeof name === 'string') return
  throw new TypeError(`the name of a task must be a string, got ${describe(name)}`)
}

/**
 * Returns the signal of the innermost scope around the running code. The signal aborts when that scope, a scope around
 * it, or the task is cancelled, unless a shield keeps the cancel out. `timeout(20, () => fetch(url, { signal: taskSignal() }))` aborts the request itself.
 *
 * @throws {RuntimeError} outside of a task
 *
 * @example
 *     import { readFile } from 'node:fs/promises'
 *
 *     // A cancel of the task ends the read.
 *     const manifest = await readFile('package.json', { encoding: 'utf8', signal: taskSignal() })
 *     console.log(manifest.startsWith('{')) // true
 */
export function taskSignal(): AbortSignal {
  const frame = currentFrame()
  if (frame?.task == null) {
    throw new RuntimeError('taskSignal() needs a running task: call it inside one')
  }
  return signalOf(frame)
}

function signalOf(frame: Frame): AbortSignal {
  frame.cancellation ??= new Cancellation(frame)
  return frame.cancellation.signal
}
