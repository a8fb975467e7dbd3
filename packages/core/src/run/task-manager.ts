import { checkOptions, describe, isThenable } from '../arguments.ts'
import { type Coroutine, type CoroutineFunction } from '../tasks/coroutine.ts'
import { isCancelled, RuntimeError } from '../errors/errors.ts'
import { cancelAndWait } from '../tasks/cancel-and-wait.ts'
import { createTask, type Task } from '../tasks/task.ts'
import { untilAllEnded } from '../combine/cancel-tasks.ts'
import { wait } from '../combine/wait.ts'

/** How many ended tasks the manager lists. There is a limit, because an application may give each task a new name. */
const rememberedTasks = 1_000

/** A task of a TaskManager, running or ended. `startedAt` and `endedAt` are in milliseconds, as from `Date.now()`. */
export interface ManagedTask {
  name: string
  state: 'running' | 'done' | 'failed' | 'cancelled'
  startedAt: number
  endedAt?: number
  error?: unknown
}

/**
 * Named background tasks of an application. At the end of an `await using` scope, the manager cancels its tasks and
 * waits until all have ended.
 *
 * @example
 *     await using tasks = new TaskManager({ onError: (error, name) => console.error(name, error) })
 *     tasks.create('heartbeat', () => sleepForever())
 *     console.log(tasks.list().map(({ name, state }) => `${name} ${state}`)) // [ 'heartbeat running' ]
 *     await tasks.cancel('heartbeat')
 */
export class TaskManager implements AsyncDisposable {
  readonly #onError: ((error: unknown, name: string) => void) | null
  readonly #maxTasks: number
  readonly #live = new Map<string, Task>()
  /** The last run of each name, in the order of starting. */
  readonly #entries = new Map<string, ManagedTask>()
  /** The entries of ended tasks, in the order of ending. */
  readonly #ended = new Set<ManagedTask>()

  /**
   * `onError` is called with the error and the name of each task that fails. Without it, failures go to the exception
   * handler of the loop. At most `maxTasks` tasks run at the same time.
   */
  constructor(options?: { onError?: (error: unknown, name: string) => void; maxTasks?: number }) {
    checkOptions(options)
    const maxTasks = options?.maxTasks ?? Infinity
    if (typeof maxTasks !== 'number' || !(maxTasks >= 1)) {
      throw new RangeError(`maxTasks must be a number of at least 1, got ${String(maxTasks)}`)
    }
    const onError = options?.onError ?? null
    if (onError !== null && typeof onError !== 'function') {
      throw new TypeError(`onError must be a function, got ${describe(onError)}`)
    }
    this.#maxTasks = maxTasks
    this.#onError = onError
  }

  /**
   * Starts `coro` as a task called `name`. @throws {RuntimeError} when a task of that name is running, or `maxTasks`
   * tasks are
   */
  create<T>(name: string, coro: CoroutineFunction<[], T> | Coroutine<T>): Task<T> {
    if (typeof name !== 'string')
      throw new TypeError(`a task's name must be a string, got ${typeof name}`)
    if (this.#live.has(name)) throw new RuntimeError(`a task named "${name}" is already running`)
    if (this.#live.size >= this.#maxTasks) {
      throw new RuntimeError(`cannot create "${name}": ${this.#maxTasks} tasks are running already`)
    }
    const task = createTask(coro, { name })
    const entry: ManagedTask = { name, state: 'running', startedAt: Date.now() }
    this.#live.set(name, task)
    const former = this.#entries.get(name)
    if (former !== undefined) this.#ended.delete(former)
    this.#entries.delete(name)
    this.#entries.set(name, entry)
    task.onDone(() => this.#note(task, entry))
    return task
  }

  /**
   * Removes the oldest ended tasks from the list, many at once: to remove the first entry of a Set again and again
   * costs quadratic time.
   */
  #forgetOldest(): void {
    if (this.#ended.size <= 2 * rememberedTasks) return
    let surplus = this.#ended.size - rememberedTasks
    for (const entry of this.#ended) {
      if (surplus-- === 0) return
      this.#ended.delete(entry)
      this.#entries.delete(entry.name)
    }
  }

  #note(task: Task, entry: ManagedTask): void {
    this.#live.delete(entry.name)
    this.#ended.add(entry)
    this.#forgetOldest()
    entry.endedAt = Date.now()
    if (task.cancelled()) {
      entry.state = 'cancelled'
      return
    }
    const error = task.exception()
    entry.state = error === null ? 'done' : 'failed'
    if (error === null) return
    entry.error = error
    this.#report(task, error)
  }

  /**
   * Passes the failure of `task` to `onError`. If `onError` throws or rejects, the exception handler gets both errors,
   * so that neither is lost.
   */
  #report(task: Task, error: unknown): void {
    const { name } = task
    const loop = task.getLoop()
    const message = `Task "${name}" failed`
    if (this.#onError === null) {
      loop.callExceptionHandler({ message, exception: error, task })
      return
    }
    const onErrorFailed = (exception: unknown): void => {
      loop.callExceptionHandler({ message, exception: error, task })
      loop.callExceptionHandler({
        message: `onError of a TaskManager threw while it was told of the failure of "${name}"`,
        exception,
      })
    }
    try {
      const returned: unknown = this.#onError(error, name)
      if (isThenable(returned)) returned.then(undefined, onErrorFailed)
    } catch (exception) {
      onErrorFailed(exception)
    }
  }

  /** Returns the running task called `name`; undefined if there is none. */
  get(name: string): Task | undefined {
    return this.#live.get(name)
  }

  /** Cancels the task called `name` and waits until it has ended. Returns false if no such task is running. */
  async cancel(name: string): Promise<boolean> {
    const task = this.#live.get(name)
    if (task === undefined) return false
    await cancelAndWait(task)
    return true
  }

  /** Cancels all tasks and waits until the last one has ended. */
  async cancelAll(): Promise<void> {
    const tasks = [...this.#live.values()]
    for (const task of tasks) task.cancel()
    if (tasks.length > 0) await untilAllEnded(tasks)
  }

  /** Waits until no task is running. Tasks that are created during the wait count too. */
  async wait(): Promise<void> {
    while (this.#live.size > 0) await wait(this.#live.values())
  }

  /** Lists the last run of each name; of the tasks that have ended, only the latest thousand. */
  list(): ManagedTask[] {
    return Array.from(this.#entries.values(), copyEntry)
  }

  /**
   * Cancels all tasks and waits until they have ended, also those that are created during the wait. A cancel of the
   * waiting task cancels them again, and is thrown when the last one has ended.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    let interrupted: unknown = null
    while (this.#live.size > 0) {
      try {
        await this.cancelAll()
      } catch (error) {
        if (!isCancelled(error)) throw error
        interrupted = error
      }
    }
    // oxlint-disable-next-line typescript/only-throw-error -- the CancelledError of this wait
    if (interrupted !== null) throw interrupted
  }
}

function copyEntry(entry: ManagedTask): ManagedTask {
  return { ...entry }
}
