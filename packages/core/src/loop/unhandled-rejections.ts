import { currentFrame, getEventLoop } from '../context/current.ts'
import { isCancelled } from '../errors/errors.ts'
import { SystemClock } from './clock.ts'

/**
 * The one listener for unhandled rejections that this library adds to the process.
 *
 * The problem: a call that nobody awaits is cancelled with its task. Its promise rejects with a CancelledError, and Node
 * ends the process for it. Only a listener can prevent that, and a listener takes every other rejection as well.
 *
 * The idea: a rejection with a CancelledError is reported to the exception handler of its loop. A package may register
 * a taker for rejections of its own. Any other rejection is raised again without this listener, so that the process
 * behaves exactly as without this library, unless the program has a listener of its own.
 */
type Taker = (error: unknown) => boolean

const clock = new SystemClock()
const takers = new Set<Taker>()
/** Runs, takers, and the loop of plain code once a task of it was cancelled. */
const users = new Set<unknown>()
let isListening = false
let isRaising = false

/** Until `unwatchRejections(user)` a cancel of an unawaited call does not end the process. */
export function watchRejections(user: unknown): void {
  users.add(user)
  if (isListening || isRaising) return
  isListening = true
  process.on('unhandledRejection', onRejection)
}

/** Takes effect after the rejections of the running turn have been reported. */
export function unwatchRejections(user: unknown): void {
  clock.yieldToIO(() => {
    if (users.delete(user) && users.size === 0) ignore()
  })
}

function ignore(): void {
  process.off('unhandledRejection', onRejection)
  isListening = false
}

/**
 * Registers `taker`, which is asked for each unhandled rejection, in the asynchronous context that the rejection came
 * from; it returns true when it has dealt with it. Returns what takes it out again.
 */
export function takeRejections(taker: Taker): () => void {
  takers.add(taker)
  watchRejections(taker)
  return () => {
    takers.delete(taker)
    unwatchRejections(taker)
  }
}

function onRejection(error: unknown): void {
  for (const taker of takers) if (taker(error)) return
  // In plain code, as in the promise that `run` returned, a cancel is an error like any other.
  if (isCancelled(error) && currentFrame() !== null) {
    report(error)
    return
  }
  if (process.listenerCount('unhandledRejection') > 1) return
  raise(error)
}

function report(exception: unknown): void {
  const frame = currentFrame()
  // At the end of a run every such call is cancelled, as every task is.
  if (frame?.scopeLoop.isEnding === true) return
  const task = frame?.task
  const loop = frame?.scopeLoop ?? getEventLoop()
  loop.callExceptionHandler({
    message: 'A call that was not awaited was cancelled: await it, or catch its CancelledError',
    exception,
    ...(task == null ? {} : { task }),
  })
}

/** Node looks for unhandled rejections again before it goes on, and then finds this one with nobody listening. */
function raise(error: unknown): void {
  ignore()
  isRaising = true
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors, promise/no-promise-in-callback -- whatever the program threw
  void Promise.reject(error)
  clock.yieldToIO(() => {
    isRaising = false
    const [user] = users
    if (user !== undefined) watchRejections(user)
  })
}
