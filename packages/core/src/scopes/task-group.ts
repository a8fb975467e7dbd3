import { checkBody, checkCount, checkOptions, describe } from '../arguments.ts'
import { Coroutine, type CoroutineFunction } from '../tasks/coroutine.ts'
import {
  CancelledError,
  isCancelled,
  isInterrupt,
  type KeyboardInterrupt,
  RuntimeError,
} from '../errors/errors.ts'
import { ExceptionGroup } from '../errors/exception-group.ts'
import type { Future } from '../futures/future.ts'
import { DetailedFuture } from '../futures/detailed-future.ts'
import type { WaitDetails } from '../futures/wait-details.ts'
import { Cancellation } from '../tasks/cancellation.ts'
import { awaitAnyway } from '../tasks/deliver-cancel.ts'
import { cancelFrame } from '../tasks/propagate-cancel.ts'
import type { ScopeFrame } from '../tasks/scope-frame.ts'
import { OPEN } from '../tasks/frame-state.ts'
import { framesOf } from '../tasks/frame-tree.ts'
import { createTaskIn, type Task, type TaskOptions } from '../tasks/task.ts'
import { GroupLimit } from './group-limit.ts'
import { GroupStarts } from './group-start.ts'
import { endFrame, enterBody, enterFrame, inFrame, throwEnd, throwOut } from './open-frame.ts'

export interface TaskGroupOptions {
  /**
   * At most this many tasks of the group run at the same time. Further tasks wait, and usually begin in the order in
   * which they were created. The default is Infinity.
   */
  limit?: number
  /** The name of the group in snapshots. */
  name?: string
}

/**
 * Turns `reason`, the argument of `TaskGroup.cancel`, into the argument for the cancels of the tasks and the body. A
 * reason that is neither undefined, nor a string, nor a CancelledError becomes the cause of a new CancelledError.
 */
function cancelFor(reason: unknown): string | CancelledError | undefined {
  if (reason === undefined || typeof reason === 'string') return reason
  return isCancelled(reason)
    ? reason
    : new CancelledError('the group was cancelled', { cause: reason })
}

/**
 * A group of tasks, of which none runs any more when the call of `taskGroup` has ended. `taskGroup` passes this object
 * to its body.
 *
 * @example
 *     const poll = async (group: TaskGroup) => {
 *       group.createTask(() => sleepForever(), { name: 'poller' })
 *       await sleep(5)
 *       group.cancel() // ends the tasks of the group
 *     }
 *     await taskGroup(poll)
 *
 * Source: asyncio.TaskGroup
 */
export class TaskGroup {
  readonly name: string | null
  readonly #frame: ScopeFrame
  readonly #limit: GroupLimit | null
  /** The tasks that the method `start` has made; null until the first call of `start`. */
  #starts: GroupStarts | null = null
  #isCancelRequested = false
  #hasCancelledTask = false
  readonly #tasks = new Set<Task>()
  readonly #errors: unknown[] = []
  #interrupt: KeyboardInterrupt | null = null
  #exiting = false
  #aborting = false
  /**
   * Whether the group has cancelled its own body. When the group ends, the method `end` takes this cancel back, so that
   * the code around the group is not cancelled.
   */
  #parentCancelRequested = false
  #allEnded: Future<void> | null = null

  /** @internal */
  constructor(frame: ScopeFrame, options: TaskGroupOptions) {
    this.#frame = frame
    const { limit = Infinity } = options
    this.#limit = limit === Infinity ? null : new GroupLimit(limit, frame.loop)
    this.name = options.name ?? null
    frame.setMembers(this.#tasks)
    frame.scope = this
  }

  /** @internal always Infinity, because a group has no deadline; read by code that lists the scopes around a task */
  get deadline(): number {
    return Infinity
  }

  /**
   * Starts a task in the group. If the task fails, the other tasks of the group and the body of the group are
   * cancelled.
   *
   * @throws {RuntimeError} when the group has finished or is shutting down; in this case `coro` does not run
   */
  createTask<T>(
    coro: CoroutineFunction<[], T> | Coroutine<T>,
    options?: Omit<TaskOptions, 'loop'>,
  ): Task<T> {
    checkOptions(options)
    const refusal =
      this.#exiting && this.#tasks.size === 0
        ? 'is finished'
        : this.#aborting
          ? 'is shutting down'
          : null
    if (refusal !== null) {
      if (coro instanceof Coroutine) coro.close()
      throw new RuntimeError(`cannot create a task: the task group ${refusal}`)
    }
    const body = this.#limit === null ? coro : this.#limit.bodyFor(coro)
    const task = createTaskIn(this.#frame, body, { ...options, loop: this.#frame.loop })
    this.#tasks.add(task)
    // The body of an eager task runs inside `createTaskIn`, and may have cancelled the group.
    if (this.#aborting || this.#frame.mustRefuse()) task.cancel()
    task.onDone(() => {
      // If the group has a limit, the body of the task is not `coro` itself. If `coro` has not begun, it never will.
      if (coro instanceof Coroutine) coro.close()
      this.#taskEnded(task)
    })
    return task
  }

  /**
   * Starts a task in the group and waits until the task says that it is ready, by calling `started`. Returns the value
   * that the task passed to `started`. If the task fails before it has called `started`, `start` throws the failure,
   * and the group continues. If the code that waits for `start` is cancelled, the task is cancelled too.
   *
   * @throws {RuntimeError} when the task returns without a call of `started`; and when the group has finished or is
   * shutting down
   * @throws {TypeError} when `fn` is not a function
   *
   * @example
   *     import { startServer } from '@tasktree/net'
   *
   *     await taskGroup(async (group) => {
   *       const port = await group.start<number>(async (started) => {
   *         await using server = await startServer(handle, 'localhost', 0)
   *         started(server.sockets[0]?.port)
   *         await server.serveForever()
   *       })
   *       console.log(port > 0) // true
   *       group.cancel()
   *     })
   *
   * Source: trio.Nursery.start
   */
  start<T = void>(fn: (started: (value?: T) => void) => PromiseLike<void>): Promise<T> {
    checkBody('TaskGroup.start', fn)
    this.#starts ??= new GroupStarts(this.#frame.loop)
    return this.#starts.start((body) => this.createTask(body), fn)
  }

  /**
   * Cancels the tasks and the body of the group. The call of `taskGroup` then does not throw this cancel: it returns
   * the value of the body, or undefined if the cancel ended the body. If a task or the body fails with another error,
   * this error is still thrown. A call after the end of the group does nothing.
   *
   * The return type of `taskGroup` does not include this undefined. A program that uses the result of a group that it
   * may cancel should call `taskGroup<Result | undefined>(…)`, so that the compiler demands a check for undefined.
   *
   * @example
   *     const found = await taskGroup<string | undefined>(async (group) => {
   *       group.createTask(async () => {
   *         await sleep(5)
   *         group.cancel()
   *       })
   *       await sleep(1_000)
   *       return 'found'
   *     })
   *     console.log(found ?? 'cancelled') // cancelled
   *
   * Source: asyncio.TaskGroup.cancel (CPython 3.15)
   */
  cancel(reason?: unknown): void {
    if (this.#isCancelRequested || this.#frame.state !== OPEN) return
    this.#isCancelRequested = true
    if (this.#frame.isLevelCancelled()) {
      // A scope around the group is cancelled, so the tasks and the body of the group are cancelled already.
      this.#aborting = true
      return
    }
    this.#abort(reason)
    if (this.#parentCancelRequested || this.#exiting) return
    this.#parentCancelRequested = true
    cancelFrame(this.#frame, cancelFor(reason))
  }

  /** @internal whether `cancel()` was called */
  get isCancelRequested(): boolean {
    return this.#isCancelRequested
  }

  #abort(reason?: unknown): void {
    this.#aborting = true
    const { areMembersCancelled } = this.#frame
    for (const task of this.#tasks) {
      if (task.done() || (areMembersCancelled && task.ownExecution().cancelling() > 0)) continue
      task.cancel(cancelFor(reason))
    }
  }

  #taskEnded(task: Task): void {
    this.#tasks.delete(task)
    if (this.#tasks.size === 0 && this.#allEnded !== null && !this.#allEnded.done()) {
      this.#allEnded.setResult()
    }
    if (task.cancelled()) {
      this.#hasCancelledTask = true
      return
    }
    // `start` throws the failure of this task to the caller of `start`, so the group ignores the failure. The call of
    // `exception()` marks the failure as handled.
    if (this.#starts?.takeFailureOf(task) === true) {
      task.exception()
      return
    }
    const exception = task.exception()
    if (exception === null) return
    this.#errors.push(exception)
    if (isInterrupt(exception)) this.#interrupt ??= exception
    if (this.#frame.state !== OPEN) {
      this.#frame.loop.callExceptionHandler({
        message: `${task.name} has failed but its parent task ${this.#frame.task?.name} is already completed`,
        exception,
        task,
      })
      return
    }
    if (this.#aborting || this.#parentCancelRequested) return
    this.#abort()
    this.#parentCancelRequested = true
    cancelFrame(this.#frame, undefined)
  }

  /**
   * @internal Cancels the async calls that the body has begun and not awaited, such as the branches of a `Promise.all`.
   * Called when the body has thrown.
   */
  cancelOtherCalls(): void {
    const frame = this.#frame
    frame.cancellation ??= new Cancellation(frame)
    // A call that the body has begun may await a promise that this library did not make, and such a wait cannot be
    // cancelled. Because of this flag, the next wait of the same call on a future throws a CancelledError.
    frame.cancellation.wasAsked = true
    if (this.#parentCancelRequested || !framesOf(frame).some((each) => each.hasOwnWaits())) return
    this.#parentCancelRequested = true
    cancelFrame(frame, undefined)
  }

  #details(): WaitDetails {
    const [first] = this.#tasks
    const label =
      this.name === null ? 'the tasks of its group' : `the tasks of group '${this.name}'`
    const parts = this.#tasks
    return { kind: 'group', label, note: `${parts.size} left`, next: first, parts }
  }

  /**
   * @internal Called when the body has ended: waits until all tasks of the group have ended. Then throws their failures
   * and the failure of the body as one ExceptionGroup. If there are none, throws a CancelledError if a cancel came from
   * outside or the body has thrown one. A KeyboardInterrupt is thrown in place of all other errors. If a cancel has
   * ended the body, `body.cancel` is its CancelledError, otherwise null.
   */
  async end(body: {
    failed: boolean
    error: unknown
    cancel: CancelledError | null
  }): Promise<void> {
    this.#exiting = true
    const { failed, error } = body
    if (failed && isInterrupt(error)) this.#interrupt ??= error
    let { cancel } = body
    /**
     * Whether the body has failed with an error that no cancel has caused. Such an error is thrown even if a scope
     * around the group is cancelled.
     */
    const hasOwnError = failed && cancel === null
    const isInCancelledScope = (): boolean => this.#frame.isLevelCancelled()
    // If a scope around the group is cancelled, every wait of the tasks throws because of that. So the group does not
    // cancel the tasks. A task whose code has not begun still begins, as in Trio.
    const isOfCancelledScope = failed && !hasOwnError && isInCancelledScope()
    if (failed && !this.#aborting && !isOfCancelledScope) this.#abort()
    if (this.#hasCancelledTask && isInCancelledScope() && !hasOwnError)
      cancel ??= new CancelledError()
    // This is a loop, because a cancel ends the wait below, for example when a task of the group fails. The group must
    // then wait again.
    while (this.#tasks.size > 0) {
      // If a scope around the group is cancelled, `taskGroup` throws a CancelledError, unless a task or the body fails
      // with another error. The group does not cancel its tasks, because every wait of a task in a cancelled scope
      // throws, so the tasks end.
      if (isInCancelledScope() && !hasOwnError) cancel ??= new CancelledError()
      if (this.#frame.mustRefuse() && !this.#aborting) {
        // A cancelled task or scope around the group has ended its body before this group has ended. For example, that
        // body has called `taskGroup` in a `Promise.race`, and another branch has ended the race. The other two cases:
        // the task was abandoned, or the loop is closed. In each case the wait below is outside of every scope, so no
        // cancel can end the wait. So the group cancels its tasks here, and makes the CancelledError that it throws.
        cancel ??= new CancelledError()
        this.#abort()
      }
      this.#allEnded = new DetailedFuture<void>(() => this.#details(), {
        loop: this.#frame.loop,
      })
      try {
        await awaitAnyway(this.#frame, this.#allEnded)
      } catch (reason) {
        if (!isCancelled(reason)) throw reason
        // If a scope around the group is cancelled, every wait of the tasks throws because of that, so the group need
        // not cancel them.
        if (isInCancelledScope()) {
          if (!hasOwnError) cancel ??= reason
        } else if (!this.#aborting) {
          cancel = reason
          this.#abort()
        }
      }
      this.#allEnded = null
    }
    if (this.#interrupt !== null) throw this.#interrupt
    if (this.#parentCancelRequested) {
      this.#frame.uncancel()
      if (this.#frame.visibleCancels() === 0 && !isInCancelledScope()) cancel = null
    }
    if (cancel !== null && this.#errors.length === 0) throw cancel
    if (hasOwnError) this.#errors.push(error)
    if (this.#errors.length === 0) return
    // If a cancel came from outside, the ExceptionGroup is thrown in place of the CancelledError, and the cancel would
    // be lost. So `cancelAgain` makes the next wait of the task throw that cancel again.
    this.#frame.cancelAgain()
    throw new ExceptionGroup('unhandled errors in a task group', this.#errors)
  }
}

/**
 * Runs `body`, and waits for every task that was created in the group. The first failure of a task or of the body
 * cancels the other tasks and the body; when all have ended, the failures are thrown as one ExceptionGroup. A cancel of
 * the calling task, or of a scope around the call, cancels the body and all tasks, and is thrown as CancelledError.
 * Outside of a task, the body runs in a new task.
 *
 * The result is the value of the body, or undefined if `group.cancel()` has ended the body. The type `T` does not
 * include this undefined. If the program calls `group.cancel()`, write `taskGroup<Result | undefined>(…)`.
 *
 * @throws {TypeError} when `body` is not a function
 *
 * @example
 *     const total = await taskGroup(async (group) => {
 *       const left = group.createTask(() => sleep(5, 1))
 *       const right = group.createTask(() => sleep(5, 2))
 *       return (await left) + (await right)
 *     }) // here no task of the group runs any more
 *     console.log(total) // 3
 *
 * Source: asyncio.TaskGroup. Differs: takes the body as a function, so that it can see how the body ends.
 */
export function taskGroup<T>(
  body: (group: TaskGroup) => PromiseLike<T>,
  options: TaskGroupOptions = {},
): Promise<T> {
  checkBody('taskGroup', body)
  checkOptions(options)
  if (options.limit !== undefined) checkCount('the option limit', options.limit, 1)
  if (options.name !== undefined && typeof options.name !== 'string') {
    throw new TypeError(`the option name must be a string, got ${describe(options.name)}`)
  }
  return inFrame('group', options.name, (frame) => runGroup(frame, body, options))
}

async function runGroup<T>(
  frame: ScopeFrame,
  body: (group: TaskGroup) => PromiseLike<T>,
  options: TaskGroupOptions,
): Promise<T> {
  const before = frame.visibleCancels()
  const group = new TaskGroup(frame, options)
  let value: T
  try {
    // `group.end`, which waits for the tasks of the group, runs as part of the body. The failure of a task cancels the
    // body, and must also end the wait of `group.end`.
    value = await enterFrame(
      frame,
      async () => {
        let result: T
        try {
          result = await enterBody(frame, body, group)
        } catch (error) {
          // An AbortError of the body counts as a cancel only if a cancel came before; otherwise it is a failure. So
          // `cancelOf` is called before `cancelOtherCalls`, which cancels the scope of the group.
          const cancel = frame.cancelOf(error)
          group.cancelOtherCalls()
          await group.end({ failed: true, error, cancel })
          if (group.isCancelRequested && cancel !== null && !frame.isLevelCancelled()) {
            return undefined as T
          }
          throw cancel ?? error
        }
        await group.end({ failed: false, error: undefined, cancel: null })
        return result
      },
      undefined,
    )
  } catch (error) {
    const isCancel = frame.cancelOf(error) !== null
    const closing = endFrame(frame, before)
    return throwEnd(frame, error, isCancel, closing === null ? null : await closing)
  }
  const closing = endFrame(frame, before)
  const interrupted = closing === null ? null : await closing
  if (interrupted !== null) return throwOut(frame, interrupted)
  return value
}
