/**
 * The problem: a job in the server can leave a promise behind that rejects, or a callback that throws, for example of a
 * timer. Node ends the process for both, and with it every other job.
 *
 * The idea: the code of each job runs in an asynchronous context of its own, which promises and callbacks carry on.
 * Node reports a rejection, and an error that a callback has thrown, in that context. So the server finds the job that
 * caused the error, lets this job fail, and goes on.
 *
 * An error without such a context still ends the process. It comes from a callback that was made outside of a job, for
 * example a callback of a connection that jobs share. Older versions of Node also lose the context of an error in
 * `queueMicrotask`.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { currentTask, isCancelled } from '@tasktree/core'
import { takeRejections } from '@tasktree/core/lowlevel'
import { describeError } from './describe-error.ts'

/** The end of an attempt for an error that nothing in its `run` awaited. */
class LeftBehindError extends Error {
  override readonly name: string = 'LeftBehindError'
}

type Blame = (what: string, error: unknown) => void

const blames = new AsyncLocalStorage<Blame>()

/** The logs of the servers in this process. They get the errors of jobs that have ended already. */
const logs = new Set<(text: string) => void>()
let stopTaking: (() => void) | null = null

/** What `blamed` needs to know about a job. */
export interface Blamed {
  /** The name of the job in the log. */
  readonly name: string
  /**
   * Cancels the current task, and makes the attempt fail with `reason` even if the task is in an await that no cancel
   * interrupts. Returns false, and does nothing, if the attempt is being ended already.
   */
  readonly fail: (reason: string) => boolean
}

/**
 * Runs the code of a job in the current task. An error that the code leaves behind cancels the task, and is thrown.
 *
 * @throws {LeftBehindError} for an error that the code has left behind
 */
export async function blamed<T>(
  { name, fail }: Blamed,
  work: () => T | PromiseLike<T>,
): Promise<T> {
  const task = currentTask()
  const fault: { error: LeftBehindError | null } = { error: null }
  let isOver = false
  const blame: Blame = (what, cause) => {
    const text = `${what}: ${describeError(cause)}`
    if (!isOver && fault.error === null && fail(text)) {
      fault.error = new LeftBehindError(text)
      return
    }
    for (const log of logs) log(`${name}, which ${isOver ? 'has ended' : 'is ending'}: ${text}`)
  }
  let result: T
  try {
    result = await blames.run(blame, async () => work())
  } catch (error) {
    isOver = true
    if (fault.error === null) throw error
    // The task was cancelled by `blame`, and perhaps by another part of the server too.
    if ((task?.uncancel() ?? 0) > 0 && isCancelled(error)) throw error
    throw fault.error
  }
  isOver = true
  if (fault.error === null) return result
  task?.uncancel()
  throw fault.error
}

/** Blames the job for an error that nothing has caught. Returns false if the error is not a job's. */
function take(what: string, error: unknown): boolean {
  const blame = blames.getStore()
  // A call that was not awaited ends with a CancelledError when its job is cancelled. The package core reports that
  // error.
  if (blame === undefined || isCancelled(error)) return false
  blame(what, error)
  return true
}

function onUncaught(error: unknown): void {
  if (take('an error was thrown outside of what run awaits', error)) return
  // If the program has a listener of its own, that listener decides what happens. Otherwise the process ends, as it
  // would without this listener.
  if (process.listenerCount('uncaughtException') > 1) return
  process.off('uncaughtException', onUncaught)
  process.nextTick(() => {
    throw error
  })
}

/** Blames jobs for what they leave behind, until the returned object is disposed. `log` gets the errors of ended jobs. */
export function watchLeftBehind(log: (text: string) => void): Disposable {
  const entry = (text: string): void => log(text)
  if (logs.size === 0) {
    stopTaking = takeRejections((error) => take('a promise that was left behind rejected', error))
    process.on('uncaughtException', onUncaught)
  }
  logs.add(entry)
  return {
    [Symbol.dispose]: () => {
      if (!logs.delete(entry) || logs.size > 0) return
      stopTaking?.()
      stopTaking = null
      process.off('uncaughtException', onUncaught)
    },
  }
}
