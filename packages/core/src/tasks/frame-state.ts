/**
 * The states of a frame (the object for one scope or task). `docs/design/kernel.md` has a table of the functions
 * that change the state.
 *
 * The body of a frame may end while async calls that the body has begun and not awaited still wait. If the body was
 * cancelled, the scope must not end before these calls, so that no code of the scope runs after the scope has ended. In
 * the states CLOSING and CLEANING, the frame waits for these calls.
 */

/** State of a frame (the object for one scope or task): the task has not begun. */
export const CREATED = -1
/** State of a frame (the object for one scope or task): the body has begun and has not ended. */
export const OPEN = 0
/**
 * State of a frame (the object for one scope or task): the body has ended without a cancel, or the frame was made by
 * `runInNewFrame`. The calls that the body has begun, but has not awaited, continue.
 */
export const ENDED = 1
/**
 * State of a frame (the object for one scope or task): the scope or task was cancelled, or is a group whose body has
 * failed, and its body has ended. It waits for the async calls that the body has begun and not awaited, and refuses new
 * waits. The state stays the same when these calls have ended.
 */
export const CLOSING = 2
/**
 * State of a frame (the object for one scope or task): as CLOSING, but in this turn (one step of the loop) a call
 * continues that has got the cancel. It may begin waits in this turn, to clean up; code that does not descend from this
 * call may not. At the end of the turn, the state is CLOSING again.
 */
export const CLEANING = 3
/**
 * State of a frame (the object for one scope or task): `abandon` has ended the task at once, although its code may
 * still run or wait. That code may begin no wait any more.
 */
export const ABANDONED = 4
export type FrameState =
  | typeof CREATED
  | typeof OPEN
  | typeof ENDED
  | typeof CLOSING
  | typeof CLEANING
  | typeof ABANDONED
