import { checkBody, checkDuration, checkOptions } from '../arguments.ts'
import type { CancelledError } from '../errors/errors.ts'
import type { ScopeFrame } from '../tasks/scope-frame.ts'
import { deliverKeptOut, findCancelledScope } from '../tasks/level-cancel.ts'
import { Deadline } from './deadline.ts'
import { endFrame, enterFrame, inFrame, throwEnd, throwOut } from './open-frame.ts'

/**
 * Runs `body` behind a shield: a cancel of the task, or of a scope around the call, does not reach the waits of `body`.
 * Such a cancel is not lost: the first wait after the call of `shielded` throws it, and `task.cancelling()` counts a
 * cancel of the task at once. If `grace` is given, the cancel ends the waits of `body` after all, `grace` milliseconds
 * after it came, or after the call if it came before. Use this for clean-up that must be completed.
 *
 * @throws {TypeError} when `body` is not a function, or `grace` is not a number
 * @throws {RangeError} when `grace` is negative or NaN
 *
 * @example
 *     try {
 *       await work()
 *     } finally {
 *       // A cancel waits at most two seconds for the goodbye.
 *       await shielded(() => sleep(5), { grace: 2_000 })
 *     }
 *
 * Source: trio.CancelScope(shield=True). Differs: has the option `grace`.
 */
export function shielded<T>(
  body: () => PromiseLike<T>,
  options: { grace?: number } = {},
): Promise<T> {
  checkBody('shielded', body)
  checkOptions(options)
  const grace = checkDuration('the option grace', options.grace ?? Infinity)
  return inFrame('shield', undefined, (frame) => runShielded(frame, body, grace))
}

async function runShielded<T>(
  frame: ScopeFrame,
  body: () => PromiseLike<T>,
  grace: number,
): Promise<T> {
  let timer: Deadline | null = null
  const onCancelKeptOut = (): void => {
    if (timer !== null || grace === Infinity) return
    timer = new Deadline(frame.loop, frame.loop.time() + grace, () => {
      frame.setShield(false, null)
      deliverKeptOut(frame)
    })
  }
  frame.setShield(true, onCancelKeptOut)
  if (findCancelledScope(frame.enclosing) !== null || frame.parent?.mustCancel === true)
    frame.cancelKeptOut()
  const end = (): Promise<CancelledError | null> | null => {
    timer?.cancel()
    // The 0 says that no cancel counted when the body began: the shield kept out each cancel from outside. `endFrame`
    // finds such a cancel only if the time of `grace` has passed, because the shield was then removed.
    return endFrame(frame, 0)
  }
  try {
    let value: T
    try {
      value = await enterFrame(frame, body, undefined)
    } catch (error) {
      const isCancel = frame.cancelOf(error) !== null
      return throwEnd(frame, error, isCancel, await end())
    }
    const interrupted = await end()
    if (interrupted !== null) return throwOut(frame, interrupted)
    return value
  } finally {
    frame.liftShield()
  }
}
