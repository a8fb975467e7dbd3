import { currentFrame, getEventLoop } from '../context/current.ts'
import { isCancelled } from '../errors/errors.ts'
import { SystemClock } from './clock.ts'

/**
 * The one listener for unhandled rejections that this library adds to the process.
 *
 * The problem: when a task is cancelled, a call of an async function that the task has made without `await` is
 * cancelled too. The promise of that call rejects with a CancelledError that no code handles, and Node would end the
 * process. Only a listener for unhandled rejections keeps the process alive. But the listener also receives every other
 * unhandled rejection, and because of the listener Node no longer ends the process for such a rejection.
 *
 * The idea: a rejection with a CancelledError is reported to the exception handler of its loop. Another package of
 * Tasktree may register a function, called a taker, that handles the rejections of that package. For every other
 * rejection, the listener is removed for a moment and the error is rejected again, so that Node treats the error as if
 * this library were not there. If the program has a listener of its own, the error is left to that listener.
 */
type Taker = (error: unknown) => boolean

const clock = new SystemClock()
const takers = new Set<Taker>()
/**
 * The objects for which the listener for unhandled rejections is needed: each loop on which a `run` is in progress or
 * code was cancelled, and each function that `takeRejections` has registered. A closed loop is not in this set any
 * more. So if code waits on a closed loop, the future of that wait is in this set for the moment in which the wait
 * throws. When the set is empty, the listener is removed.
 */
const users = new Set<unknown>()
/** The users that `unwatchRejections` is about to remove, each with an object that stands for the newest such call. */
const leaving = new Map<unknown, object>()
let isListening = false
let isRaising = false

/**
 * Adds `user`, such as a loop in which code was cancelled, to the objects for which the listener for unhandled
 * rejections is needed. For the first user, the listener is added to the process. Until `unwatchRejections(user)` is
 * called, the process does not end when a cancelled async function, which was called without `await`, throws its
 * CancelledError.
 */
export function watchRejections(user: unknown): void {
  users.add(user)
  leaving.delete(user)
  if (isListening || isRaising) return
  isListening = true
  process.on('unhandledRejection', onRejection)
}

/**
 * Removes `user` from the objects for which the listener for unhandled rejections is needed. If no user is left, the
 * listener is removed too. Both are done later, in a callback of `setImmediate`. Before Node calls this callback, it
 * reports the rejections of the running code, and the listener must still receive them. Nothing is removed if
 * `watchRejections(user)` is called again before the callback.
 */
export function unwatchRejections(user: unknown): void {
  if (!users.has(user)) return
  const call = {}
  leaving.set(user, call)
  clock.yieldToIO(() => {
    if (leaving.get(user) !== call) return
    leaving.delete(user)
    users.delete(user)
    if (users.size === 0) ignore()
  })
}

function ignore(): void {
  process.off('unhandledRejection', onRejection)
  isListening = false
}

/**
 * Registers `taker`, a function that is called with the error of each unhandled rejection, and with the
 * AsyncLocalStorage values of the rejected promise. The taker returns true if it has handled the rejection.
 * `takeRejections` returns a function that removes the taker.
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
  // A CancelledError that was thrown outside of every task and callback of a loop, such as the rejection of the promise
  // that `run` returned, is treated like any other error. So is an AbortError, unless a cancel has caused it.
  const frame = currentFrame()
  if (frame !== null && (isCancelled(error) || frame.isOfAbort(error))) {
    report(error)
    return
  }
  if (process.listenerCount('unhandledRejection') > 1) return
  raise(error)
}

function report(exception: unknown): void {
  const frame = currentFrame()
  // At its end, `run` cancels every call that still waits on its loop. The program has not asked for these cancels and
  // need not handle them, so they are not reported.
  if (frame?.loop.isEnding === true) return
  const task = frame?.task
  const loop = frame?.loop ?? getEventLoop()
  loop.callExceptionHandler({
    message: 'A call that was not awaited was cancelled: await it, or catch its CancelledError',
    exception,
    ...(task == null ? {} : { task }),
  })
}

/**
 * Lets Node report `error` as if this package had no listener of `unhandledRejection`. Removes that listener, rejects a
 * new promise with `error`, and adds the listener again when Node has reported this rejection.
 */
function raise(error: unknown): void {
  ignore()
  isRaising = true
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors, promise/no-promise-in-callback -- the program may have thrown any value
  void Promise.reject(error)
  clock.yieldToIO(() => {
    isRaising = false
    const [user] = users
    if (user !== undefined) watchRejections(user)
  })
}
