import { checkCancelMessage, checkOptions, describe } from '../arguments.ts'
import { captureOwnContext, currentMap, type OwnMap, scopeOfMap } from '../context/async-context.ts'
import { Context, rootContext } from '../context/context-vars.ts'
import { checkLoop, currentFrame, loopOf } from '../context/current.ts'
import { CancelledError, RuntimeError } from '../errors/errors.ts'
import { cancelOnAbort } from '../futures/claim.ts'
import { describeWait } from '../futures/describe-wait.ts'
import { Future } from '../futures/future.ts'
import type { EventLoop } from '../loop/loop.ts'
import { cancelAndWait } from './cancel-and-wait.ts'
import { Cancellation } from './cancellation.ts'
import { taskCreate } from './channels.ts'
import { isCoroutine } from './coroutine.ts'
import { Execution, type TaskBody } from './execution.ts'
import type { Frame } from './frame.ts'
import { framesOf } from './frame-waits.ts'
import { cancelFrame } from './propagate-cancel.ts'

export interface TaskOptions {
  /** "Task-1", … unless given. */
  name?: string | undefined
  /** The context variables it sees; by default a copy of the creator's. */
  context?: Context | undefined
  /** Runs the body up to its first suspension at once, inside the call. */
  eager?: boolean | undefined
  loop?: EventLoop | undefined
  /** Its abort cancels the task. Aborted already: the body never begins. */
  signal?: AbortSignal | undefined
}

/**
 * A Future that runs a coroutine. While its code runs it is `currentTask()`. Made by `createTask`.
 *
 * Source: asyncio.Task. Differs: it can wait on several futures at once (`Promise.all`), and on foreign
 * promises, which a cancel cannot interrupt.
 */
export class Task<T = unknown> extends Future<T> implements AsyncDisposable {
  /** @internal the bundler calls a class that names itself `_Task` */
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
    // A line of tasks each of which makes the next one and ends must not be kept by its last.
    if (parent !== null && parent.#parent !== null && parent.#parent.done()) parent.#parent = null
    const execution = new Execution(this, loop, group, body, context)
    this.#execution = execution
    execution.setStart(captureOwnContext(execution, map))
    const number = loop.adopt(execution)
    if (this.#name === 0) this.#name = number
    if (taskCreate.hasSubscribers) taskCreate.publish({ task: this })
    if (options?.eager === true) execution.begin()
    else loop.push(execution)
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

  /** The pending futures it waits on: none while its code runs, several in a `Promise.all`. */
  get waitingOn(): ReadonlySet<Future<unknown>> {
    const waits = new Set<Future<unknown>>()
    for (const frame of framesOf(this.#execution)) {
      for (const future of frame.ownWaits()) waits.add(future)
    }
    return waits
  }

  /** Whether its body has begun. */
  get started(): boolean {
    return this.#execution.started
  }

  /**
   * Aborts when the task is cancelled, for APIs that take an AbortSignal. After `uncancel()` has taken the last cancel
   * back there is a new one. Code that looks at the aborted signal, as `fetch` does to reject with its reason, has
   * thereby got the cancel: it is not delivered a second time.
   */
  get signal(): AbortSignal {
    return signalOf(this.#execution)
  }

  /** @internal */
  override cancelledError(): CancelledError {
    const error = super.cancelledError()
    const wait = this.#execution.cancellation?.struckWait ?? null
    CancelledError.noteTask(error, this.name, wait === null ? null : describeWait(wait))
    return error
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
   * CancelledError. When none of them accepts, the cancel is remembered and delivered the next
   * time it waits on a pending future; before the first step, the body never runs. In a circle of tasks that
   * wait for each other, the last of them is interrupted. False when done.
   */
  override cancel(msg?: string | CancelledError): boolean {
    if (msg !== undefined) checkCancelMessage(msg)
    return this.done() ? super.cancel() : cancelFrame(this.#execution, msg)
  }

  /**
   * How many cancels were asked for and not taken back, those of the scopes around the running code included. Outside
   * of the task: those of all its scopes.
   */
  cancelling(): number {
    let sum = 0
    for (const frame of this.#frames()) sum += frame.cancellation?.count ?? 0
    return sum
  }

  /** Takes one cancel back, the innermost first, for the code that asked for it; returns how many remain. */
  uncancel(): number {
    const frame = this.#frames().find((each) => (each.cancellation?.count ?? 0) > 0)
    frame?.cancellation?.takeBack()
    return this.cancelling()
  }

  /** From inside the frames around the running code, the innermost first; from outside all frames. */
  #frames(): Frame[] {
    const running = currentFrame()
    if (running?.task !== this) return framesOf(this.#execution)
    const frames: Frame[] = []
    for (let frame: Frame | null = running; frame !== null; frame = frame.parent) frames.push(frame)
    return frames
  }

  /** What it runs, or null when it has ended. */
  getCoro(): TaskBody<T> | null {
    return this.#execution.body as TaskBody<T> | null
  }

  getContext(): Context {
    return this.#execution.scopeContext()
  }

  /** Cancels it and waits for its end, even if the waiting task is itself cancelled; its CancelledError is not an error. */
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
 * Starts `coro` as a task, a child of the current one. Its body begins in a turn of its own.
 *
 * @throws {TypeError} when `coro` is neither an async or generator function nor a Coroutine
 *
 * Source: asyncio.create_task. Differs: takes the function, since calling it would already run it.
 */
export function createTask<T>(coro: TaskBody<T>, options?: TaskOptions): Task<T> {
  return createTaskIn(null, coro, options)
}

/** A task of a group, whose scopes reach into it; or of none. */
export function createTaskIn<T>(
  group: Frame | null,
  coro: TaskBody<T>,
  options?: TaskOptions,
): Task<T> {
  if (typeof coro !== 'function' && !isCoroutine(coro)) {
    throw new TypeError(
      `createTask takes a function that returns a promise or generator, or a Coroutine; got ${describe(coro)}`,
    )
  }
  const map = currentMap()
  if (options !== undefined) checkTaskOptions(options)
  const creator = scopeOfMap(map)
  const loop = options?.loop ?? loopOf(creator)
  loop.assertOpen()
  let context = options?.context ?? null
  if (context === null) {
    const current = creator === undefined ? rootContext() : creator.scopeContext()
    if (!current.isEmpty()) context = current.copy()
  }
  const task = new Task(coro, loop, creator?.frame?.task ?? null, context, map, group, options)
  return options?.signal === undefined ? task : cancelOnAbort(task, options.signal)
}

function checkTaskOptions(options: TaskOptions): void {
  checkOptions(options)
  const { name, context, loop } = options
  if (loop !== undefined) checkLoop(loop)
  if (name !== undefined && typeof name !== 'string') {
    throw new TypeError(`the name of a task must be a string, got ${describe(name)}`)
  }
  if (context !== undefined && !(context instanceof Context)) {
    throw new TypeError(`the context of a task must be a Context, got ${describe(context)}`)
  }
}

/**
 * The signal of the innermost scope around the running code: it aborts when that scope, one around it or the task is
 * cancelled. `timeout(20, () => fetch(url, { signal: taskSignal() }))` aborts the request itself.
 *
 * @throws {RuntimeError} outside a task
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
