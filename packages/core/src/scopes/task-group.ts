import { checkBody } from '../arguments.ts'
import { Coroutine, type CoroutineFunction } from '../tasks/coroutine.ts'
import { CancelledError, isCancelled, KeyboardInterrupt, RuntimeError } from '../errors/errors.ts'
import { ExceptionGroup } from '../errors/exception-group.ts'
import { Future } from '../futures/future.ts'
import { Cancellation } from '../tasks/cancellation.ts'
import { awaitAnyway } from '../tasks/deliver-cancel.ts'
import { cancelFrame } from '../tasks/propagate-cancel.ts'
import type { Frame, ScopeFrame } from '../tasks/frame.ts'
import { hasWaits, OPEN } from '../tasks/frame-waits.ts'
import { createTaskIn, type Task, type TaskOptions } from '../tasks/task.ts'
import { endFrame, enterBody, enterFrame, inFrame, throwOut } from './open-frame.ts'

/**
 * The tasks of a `taskGroup` body: what it is handed.
 *
 * Source: asyncio.TaskGroup
 */
export class TaskGroup {
  readonly #frame: Frame
  readonly #tasks = new Set<Task>()
  readonly #errors: unknown[] = []
  #interrupt: KeyboardInterrupt | null = null
  #exiting = false
  #aborting = false
  /** We cancelled the parent to end its body, and must take that back. */
  #parentCancelRequested = false
  #allEnded: Future<void> | null = null

  /** @internal */
  constructor(frame: Frame) {
    this.#frame = frame
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
    const task = createTaskIn(this.#frame, coro, { ...options, loop: this.#frame.scopeLoop })
    this.#tasks.add(task)
    if (this.#frame.mustRefuse()) task.cancel()
    task.onDone(() => this.#taskEnded(task))
    return task
  }

  #abort(): void {
    this.#aborting = true
    for (const task of this.#tasks) if (!task.done()) task.cancel()
  }

  #taskEnded(task: Task): void {
    this.#tasks.delete(task)
    if (this.#tasks.size === 0 && this.#allEnded !== null && !this.#allEnded.done()) {
      this.#allEnded.setResult()
    }
    if (task.cancelled()) return
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
    if (this.#parentCancelRequested || !hasWaits(frame)) return
    this.#parentCancelRequested = true
    cancelFrame(frame, undefined)
  }

  /** @internal the body has ended: waits for the tasks, and throws what there is to throw */
  async end(body: { failed: boolean; error: unknown }): Promise<void> {
    this.#exiting = true
    const { failed, error } = body
    if (failed && error instanceof KeyboardInterrupt) this.#interrupt ??= error
    let cancel: CancelledError | null = failed && isCancelled(error) ? error : null
    if (failed && !this.#aborting) this.#abort()
    // Again and again: the parent may be cancelled more than once while it waits.
    while (this.#tasks.size > 0) {
      if (this.#frame.mustRefuse() && !this.#aborting) {
        // The task that the group belongs to was cancelled, and has ended without it.
        cancel ??= new CancelledError()
        this.#abort()
      }
      this.#allEnded = new Future<void>({ loop: this.#frame.scopeLoop })
      try {
        await awaitAnyway(this.#frame, this.#allEnded)
      } catch (reason) {
        if (!isCancelled(reason)) throw reason
        if (!this.#aborting) {
          cancel = reason
          this.#abort()
        }
      }
      this.#allEnded = null
    }
    if (this.#interrupt !== null) throw this.#interrupt
    if (this.#parentCancelRequested && this.#frame.uncancel() === 0) cancel = null
    if (cancel !== null && this.#errors.length === 0) throw cancel
    if (failed && !isCancelled(error)) this.#errors.push(error)
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
export function taskGroup<T>(body: (group: TaskGroup) => PromiseLike<T>): Promise<T> {
  checkBody('taskGroup', body)
  return inFrame((frame) => runGroup(frame, body))
}

async function runGroup<T>(
  frame: ScopeFrame,
  body: (group: TaskGroup) => PromiseLike<T>,
): Promise<T> {
  const before = frame.cancelling()
  const group = new TaskGroup(frame)
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
