import { currentFrame, getEventLoop } from '../context/current.ts'
import { isCancelled } from '../errors/errors.ts'
import { SystemClock } from './clock.ts'

/**
 * The one listener for unhandled rejections that this library adds to the process.
 *
 * The problem: when a task is cancelled, a call in it that no code awaits is cancelled too. The promise of that call
 * rejects with a CancelledError that nobody handles, and Node would end the process. Only a listener prevents that.
 * But a listener also receives every other rejection, and Node then no longer ends the process for those.
 *
 * The idea: a rejection with a CancelledError is reported to the exception handler of its loop. A package may register
 * a taker for rejections of its own. Every other rejection is raised again while this listener is removed. So the
 * process behaves as without this library, unless the program has a listener of its own.
 */
type Taker = (error: unknown) => boolean

const clock = new SystemClock()
const takers = new Set<Taker>()
/**
 * Everything that needs the listener: each loop that runs or that has had a cancelled task; each callback that
 * `takeRejections` has registered; and each wait that a closed loop refuses, while its CancelledError is thrown, because
 * a closed loop needs the listener no longer. When this set is empty, the listener is removed.
 */
const users = new Set<unknown>()
let isListening = false
let isRaising = false

/**
 * Adds `user` to the objects that need the listener, and the listener with the first user. Until
 * `unwatchRejections(user)` is called, the cancel of a call that no code awaits does not end the process.
 */
export function watchRejections(user: unknown): void {
  users.add(user)
  if (isListening || isRaising) return
  isListening = true
  process.on('unhandledRejection', onRejection)
}

/**
 * Removes `user`, and the listener with the last user. This happens later, after Node has reported the rejections of
 * the running turn.
 */
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
 * Registers `taker`, which is called for each unhandled rejection, in the asynchronous context of the rejected promise.
 * The taker returns true if it has handled the rejection. `takeRejections` returns a function that removes the taker.
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
  // A CancelledError outside of every frame, such as the rejection of the promise that `run` has returned, is an error
  // like any other.
  if (isCancelled(error) && currentFrame() !== null) {
    report(error)
    return
  }
  if (process.listenerCount('unhandledRejection') > 1) return
  raise(error)
}

function report(exception: unknown): void {
  const frame = currentFrame()
  // The end of a run cancels all calls that are left, so a report about each would say nothing.
  if (frame?.scopeLoop.isEnding === true) return
  const task = frame?.task
  const loop = frame?.scopeLoop ?? getEventLoop()
  loop.callExceptionHandler({
    message: 'A call that was not awaited was cancelled: await it, or catch its CancelledError',
    exception,
    ...(task == null ? {} : { task }),
  })
}

/**
 * Rejects a new promise with `error` while the listener is removed. Node looks for unhandled rejections once more
 * before it continues, and treats this one as in a program without the listener.
 */
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
