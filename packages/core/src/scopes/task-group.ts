import { checkBody, checkCount, checkOptions, describe } from '../arguments.ts'
import { Coroutine, type CoroutineFunction, runInline } from '../tasks/coroutine.ts'
import { CancelledError, isCancelled, KeyboardInterrupt, RuntimeError } from '../errors/errors.ts'
import { ExceptionGroup } from '../errors/exception-group.ts'
import { Future } from '../futures/future.ts'
import { DetailedFuture } from '../futures/detailed-future.ts'
import type { WaitDetails } from '../futures/wait-details.ts'
import { Cancellation } from '../tasks/cancellation.ts'
import { cancelAndWait } from '../tasks/cancel-and-wait.ts'
import { awaitAnyway } from '../tasks/deliver-cancel.ts'
import { cancelFrame } from '../tasks/propagate-cancel.ts'
import type { ScopeFrame } from '../tasks/frame.ts'
import { framesOf, OPEN } from '../tasks/frame-waits.ts'
import { createTaskIn, type Task, type TaskOptions } from '../tasks/task.ts'
import { endFrame, enterBody, enterFrame, inFrame, throwOut } from './open-frame.ts'

export interface TaskGroupOptions {
  /** How many of the group's tasks have begun and not ended, at most; the others wait in order. Infinity unless given. */
  limit?: number
  /** Shown in the task tree. */
  name?: string
}

/** What the tasks are cancelled with; a reason that is not a message is the CancelledError's cause. */
function cancelFor(reason: unknown): string | CancelledError | undefined {
  if (reason === undefined || typeof reason === 'string') return reason
  return isCancelled(reason)
    ? reason
    : new CancelledError('the group was cancelled', { cause: reason })
}

/**
 * The tasks of a `taskGroup` body: what it is handed.
 *
 * Source: asyncio.TaskGroup
 */
export class TaskGroup {
  readonly name: string | null
  readonly #frame: ScopeFrame
  readonly #limit: number
  /** Tasks that have begun and not ended, where there is a limit; and those that wait for one of them to end. */
  #running = 0
  readonly #waiting: Future<void>[] = []
  /** Tasks of `start` that have not said yet that they are ready: their failure is their caller's. */
  readonly #starting = new Set<Task>()
  #isCancelRequested = false
  #hasCancelledTask = false
  readonly #tasks = new Set<Task>()
  readonly #errors: unknown[] = []
  #interrupt: KeyboardInterrupt | null = null
  #exiting = false
  #aborting = false
  /** We cancelled the parent to end its body, and must take that back. */
  #parentCancelRequested = false
  #allEnded: Future<void> | null = null

  /** @internal */
  constructor(frame: ScopeFrame, options: TaskGroupOptions) {
    this.#frame = frame
    this.#limit = options.limit ?? Infinity
    this.name = options.name ?? null
    frame.setMembers(this.#tasks)
    frame.scope = this
  }

  /** @internal a group has none; for what shows the scopes around a task */
  get deadline(): number {
    return Infinity
  }

  /**
   * Starts a task of the group. Its failure cancels the others and the body.
   *
   * @throws {RuntimeError} when the group has finished or is shutting down; the body does not run
   */
  createTask<T>(
    coro: CoroutineFunction<[], T> | Coroutine<T>,
    options?: Omit<TaskOptions, 'loop'>,
  ): Task<T> {
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
    const body = this.#limit === Infinity ? coro : () => this.#runInLimit(coro)
    const task = createTaskIn(this.#frame, body, { ...options, loop: this.#frame.scopeLoop })
    this.#tasks.add(task)
    if (this.#frame.mustRefuse()) task.cancel()
    task.onDone(() => this.#taskEnded(task))
    return task
  }

  /** Runs `coro` when fewer than `limit` tasks of the group run; a cancel before that removes it from the line. */
  async #runInLimit<T>(coro: CoroutineFunction<[], T> | Coroutine<T>): Promise<T> {
    if (this.#running >= this.#limit) {
      const turn = new DetailedFuture<void>(
        () => ({ kind: 'group', label: `one of the ${this.#limit} places of its group` }),
        { loop: this.#frame.scopeLoop },
      )
      this.#waiting.push(turn)
      try {
        await turn
      } catch (error) {
        if (coro instanceof Coroutine) coro.close()
        // It was given its turn, and cancelled before it could take it.
        if (!turn.cancelled()) this.#passTurnOn()
        throw error
      }
    } else this.#running++
    try {
      return await runInline<T>(coro)
    } finally {
      this.#passTurnOn()
    }
  }

  #passTurnOn(): void {
    for (let turn = this.#waiting.shift(); turn !== undefined; turn = this.#waiting.shift()) {
      if (turn.done()) continue
      turn.setResult()
      return
    }
    this.#running--
  }

  /**
   * Starts a task of the group and waits until it says that it is ready, by calling `started`; returns what it passes. A
   * failure before that is thrown here and does not end the group. A cancel of the waiting code cancels the task.
   *
   * @throws {RuntimeError} when the task ends without having called `started`; and as `createTask`
   * @throws {TypeError} when `fn` is not a function
   *
   * @example
   *     const port = await group.start<number>(async (started) => {
   *       await using server = await startServer(onClient, 'localhost', 0)
   *       started(server.sockets[0].port)
   *       await server.serveForever()
   *     })
   *
   * Source: trio.Nursery.start
   */
  start<T = void>(fn: (started: (value?: T) => void) => PromiseLike<void>): Promise<T> {
    checkBody('TaskGroup.start', fn)
    return this.#start(fn)
  }

  async #start<T>(fn: (started: (value?: T) => void) => PromiseLike<void>): Promise<T> {
    const ready = new Future<T>({ loop: this.#frame.scopeLoop })
    const task: Task = this.createTask(() =>
      fn((value) => {
        if (ready.done()) throw new RuntimeError('started() was called before: call it once')
        this.#starting.delete(task)
        ready.setResult(value as T)
      }),
    )
    this.#starting.add(task)
    task.onDone(() => {
      if (ready.done()) return
      if (task.cancelled()) ready.cancel()
      else {
        ready.setException(
          task.exception() ?? new RuntimeError(`${task.name} ended without calling started()`),
        )
      }
    })
    try {
      return await ready
    } catch (error) {
      if (!task.done()) await cancelAndWait(task)
      throw error
    }
  }

  /**
   * Ends the group without an error: cancels its tasks and its body. `taskGroup` then gives what the body returned, or
   * undefined when the body was cut. Does nothing when the group has ended.
   *
   * Source: asyncio.TaskGroup.cancel (CPython 3.15)
   */
  cancel(reason?: unknown): void {
    if (this.#isCancelRequested || this.#frame.state !== OPEN) return
    this.#isCancelRequested = true
    if (this.#frame.isLevelCancelled()) {
      // The scope around the group has cancelled its tasks and its body already.
      this.#aborting = true
      return
    }
    this.#abort(reason)
    if (this.#parentCancelRequested || this.#exiting) return
    this.#parentCancelRequested = true
    cancelFrame(this.#frame, cancelFor(reason))
  }

  /** @internal whether the CancelledError of the body came from `cancel()` */
  get isCancelRequested(): boolean {
    return this.#isCancelRequested
  }

  #abort(reason?: unknown): void {
    this.#aborting = true
    for (const task of this.#tasks) if (!task.done()) task.cancel(cancelFor(reason))
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
    // Its failure is thrown by `start`.
    if (this.#starting.delete(task)) {
      task.exception()
      return
    }
    const exception = task.exception()
    if (exception === null) return
    this.#errors.push(exception)
    if (exception instanceof KeyboardInterrupt) this.#interrupt ??= exception
    if (this.#frame.state !== OPEN) {
      this.#frame.scopeLoop.callExceptionHandler({
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

  /** @internal the body has failed: cancels the other flows that it has begun, such as branches of a `Promise.all` */
  strikeFlows(): void {
    const frame = this.#frame
    frame.cancellation ??= new Cancellation(frame)
    // A flow that is in a foreign await is refused its next wait.
    frame.cancellation.wasAsked = true
    if (this.#parentCancelRequested || !framesOf(frame).some((each) => each.hasOwnWaits())) return
    this.#parentCancelRequested = true
    cancelFrame(frame, undefined)
  }

  #details(): WaitDetails {
    const [first] = this.#tasks
    const label =
      this.name === null ? 'the tasks of its group' : `the tasks of group '${this.name}'`
    return { kind: 'group', label, note: `${this.#tasks.size} left`, next: first }
  }

  /** @internal the body has ended: waits for the tasks, and throws what there is to throw */
  async end(body: { failed: boolean; error: unknown }): Promise<void> {
    this.#exiting = true
    const { failed, error } = body
    if (failed && error instanceof KeyboardInterrupt) this.#interrupt ??= error
    let cancel: CancelledError | null = failed && isCancelled(error) ? error : null
    /** The body's own error is not lost for the cancel of a scope around. */
    const hasOwnError = failed && !isCancelled(error)
    const isLevel = (): boolean => this.#frame.isLevelCancelled()
    // A cancelled scope strikes the tasks itself, at their first waits; those that have not begun begin, as in Trio.
    const isOfLevel = failed && !hasOwnError && isLevel()
    if (failed && !this.#aborting && !isOfLevel) this.#abort()
    if (this.#hasCancelledTask && isLevel() && !hasOwnError) cancel ??= new CancelledError()
    // Again and again: the parent may be cancelled more than once while it waits.
    while (this.#tasks.size > 0) {
      // In a cancelled scope the group does not end before its tasks, which the scope has cancelled as well.
      if (isLevel() && !hasOwnError) cancel ??= new CancelledError()
      if (this.#frame.mustRefuse() && !this.#aborting) {
        // The task that the group belongs to was cancelled, and has ended without it.
        cancel ??= new CancelledError()
        this.#abort()
      }
      this.#allEnded = new DetailedFuture<void>(() => this.#details(), {
        loop: this.#frame.scopeLoop,
      })
      try {
        await awaitAnyway(this.#frame, this.#allEnded)
      } catch (reason) {
        if (!isCancelled(reason)) throw reason
        // The scope has cancelled the tasks as well.
        if (isLevel()) {
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
      if (this.#frame.visibleCancels() === 0 && !isLevel()) cancel = null
    }
    if (cancel !== null && this.#errors.length === 0) throw cancel
    if (hasOwnError) this.#errors.push(error)
    if (this.#errors.length === 0) return
    // The outer cancel's CancelledError gives way to the errors: it is delivered again at the next await.
    this.#frame.cancelAgain()
    throw new ExceptionGroup('unhandled errors in a task group', this.#errors)
  }
}

/**
 * Runs `body` and waits for every task it created in the group. The first failure, of a task or of the
 * body, cancels the others and the body; when all have ended, the failures are thrown as one
 * ExceptionGroup. A cancel from outside goes through to all of them. Outside a task it makes one.
 *
 * @throws {TypeError} when `body` is not a function
 *
 * Source: asyncio.TaskGroup. Differs: takes the body, so that it can see how it ends.
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
  return inFrame((frame) => runGroup(frame, body, options))
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
    // The wait for the tasks belongs to the group's frame, so that a failure ends it as it ends the body.
    value = await enterFrame(
      frame,
      async () => {
        let result: T
        try {
          result = await enterBody(frame, body, group)
        } catch (error) {
          group.strikeFlows()
          await group.end({ failed: true, error })
          if (group.isCancelRequested && isCancelled(error) && !frame.isLevelCancelled()) {
            return undefined as T
          }
          throw error
        }
        await group.end({ failed: false, error: undefined })
        return result
      },
      undefined,
    )
  } catch (error) {
    const closing = endFrame(frame, before)
    if (closing !== null) await closing
    return throwOut(frame, error)
  }
  const closing = endFrame(frame, before)
  const interrupted = closing === null ? null : await closing
  if (interrupted !== null) return throwOut(frame, interrupted)
  return value
}
