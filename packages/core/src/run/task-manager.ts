import { checkOptions, describe, isThenable } from '../arguments.ts'
import { type Coroutine, type CoroutineFunction } from '../tasks/coroutine.ts'
import { isCancelled, RuntimeError } from '../errors/errors.ts'
import { cancelAll, cancelAndWait, untilAllEnded } from '../tasks/cancel-and-wait.ts'
import { createTask, type Task } from '../tasks/task.ts'
import { wait } from '../combine/wait.ts'

/**
 * When more than twice this many ended tasks are stored for `list()`, the oldest are removed until this many are left.
 * A new task replaces an ended one of the same name, so without a limit the list would grow for ever in an
 * application that gives each task a new name.
 */
const rememberedTasks = 1_000

/**
 * A description of a task of a TaskManager, running or ended. `startedAt` and `endedAt` are in milliseconds, as from
 * `Date.now()`.
 */
export interface ManagedTask {
  name: string
  state: 'running' | 'done' | 'failed' | 'cancelled'
  startedAt: number
  endedAt?: number
  error?: unknown
}

/**
 * Named background tasks of an application. If the manager is declared with `await using`, it cancels its tasks at the
 * end of the block, and waits until all have ended.
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
  /** The tasks of which `#note` has not noted the end, and their descriptions. */
  readonly #live = new Map<string, { task: Task; entry: ManagedTask }>()
  /**
   * For each name: a description of the newest task with this name. The names are in the order in which these tasks
   * were started.
   */
  readonly #entries = new Map<string, ManagedTask>()
  /** The descriptions of the ended tasks, in the order in which the tasks ended. */
  readonly #ended = new Set<ManagedTask>()

  /**
   * `onError` is called with the error and the name of each task that fails. Without `onError`, failures are passed to
   * the exception handler of the loop. While `maxTasks` tasks run, `create` throws an error.
   */
  constructor(options?: { onError?: (error: unknown, name: string) => void; maxTasks?: number }) {
    checkOptions(options)
    const maxTasks = options?.maxTasks ?? Infinity
    if (typeof maxTasks !== 'number' || !(maxTasks >= 1)) {
      throw new RangeError(`maxTasks must be a number of at least 1, got ${describe(maxTasks)}`)
    }
    const onError = options?.onError ?? null
    if (onError !== null && typeof onError !== 'function') {
      throw new TypeError(`onError must be a function, got ${describe(onError)}`)
    }
    this.#maxTasks = maxTasks
    this.#onError = onError
  }

  /**
   * Starts `coro` as a task with the name `name`.
   *
   * @throws {RuntimeError} when a task with this name is running already, or when `maxTasks` tasks are running
   */
  create<T>(name: string, coro: CoroutineFunction<[], T> | Coroutine<T>): Task<T> {
    if (typeof name !== 'string')
      throw new TypeError(`a task's name must be a string, got ${typeof name}`)
    const same = this.#live.get(name)
    if (same?.task.done() === false) {
      throw new RuntimeError(`a task named "${name}" is already running`)
    }
    if (same !== undefined) this.#note(same.task, same.entry)
    if (this.#live.size >= this.#maxTasks) this.#noteEnded()
    if (this.#live.size >= this.#maxTasks) {
      throw new RuntimeError(`cannot create "${name}": ${this.#maxTasks} tasks are running already`)
    }
    const task = createTask(coro, { name })
    const entry: ManagedTask = { name, state: 'running', startedAt: Date.now() }
    this.#live.set(name, { task, entry })
    const former = this.#entries.get(name)
    if (former !== undefined) this.#ended.delete(former)
    this.#entries.delete(name)
    this.#entries.set(name, entry)
    task.onDone(() => {
      this.#note(task, entry)
      if (entry.state === 'failed') this.#report(task, entry.error)
    })
    return task
  }

  /** Notes the end of each task that has ended, because the callbacks of `onDone` are called only in a later turn. */
  #noteEnded(): void {
    for (const { task, entry } of this.#live.values()) if (task.done()) this.#note(task, entry)
  }

  /**
   * Removes the oldest ended tasks from the list when there are too many, about a thousand in one call. They are not
   * removed one by one, because removing the first entry of a Set again and again costs quadratic time.
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
    if (entry.state !== 'running') return
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
    if (error !== null) entry.error = error
  }

  /**
   * Passes `error`, with which `task` has failed, to `onError`. If `onError` throws or rejects, the exception handler
   * of the loop gets both errors, so that neither is lost.
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

  /** Returns the running task with the name `name`; undefined if there is no such task. */
  get(name: string): Task | undefined {
    const task = this.#live.get(name)?.task
    return task?.done() === false ? task : undefined
  }

  /**
   * Cancels the running task with the name `name` and waits until it has ended. Returns false if no such task is
   * running.
   */
  async cancel(name: string): Promise<boolean> {
    const task = this.get(name)
    if (task === undefined) return false
    await cancelAndWait(task)
    return true
  }

  /** Cancels all tasks that are running, and waits until these have ended. */
  async cancelAll(): Promise<void> {
    const tasks = this.#running()
    await untilAllEnded(tasks, cancelAll(tasks))
  }

  /** Waits until no task is running. Tasks that are created during the wait count too. */
  async wait(): Promise<void> {
    for (let tasks = this.#running(); tasks.length > 0; tasks = this.#running()) await wait(tasks)
  }

  #running(): Task[] {
    this.#noteEnded()
    return Array.from(this.#live.values(), ({ task }) => task)
  }

  /**
   * Returns one entry for each name, which describes the newest task with this name, running or ended. At least the
   * latest 1,000 ended tasks are listed, and at most the latest 2,000.
   */
  list(): ManagedTask[] {
    this.#noteEnded()
    return Array.from(this.#entries.values(), copyEntry)
  }

  /**
   * Cancels all tasks and waits until they have ended. Tasks that are created during the wait are cancelled and awaited
   * too. If the code that waits here is cancelled, the tasks are cancelled again, and the CancelledError is thrown when
   * all tasks have ended.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    let interrupted: unknown = null
    for (;;) {
      const tasks = this.#running()
      if (tasks.length === 0) break
      try {
        await this.cancelAll()
      } catch (error) {
        if (!isCancelled(error)) throw error
        interrupted = error
        // If a task waits for the task that disposes of this manager, `cancelAll` has not waited for the tasks.
        if (tasks.some((task) => !task.done())) break
      }
    }
    // oxlint-disable-next-line typescript/only-throw-error -- this is the CancelledError that has interrupted the wait
    if (interrupted !== null) throw interrupted
  }
}

function copyEntry(entry: ManagedTask): ManagedTask {
  return { ...entry }
}
