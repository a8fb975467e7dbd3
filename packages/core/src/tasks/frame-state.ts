/**
 * The states of a frame (the running body of a task or scope). `docs/design/kernel.md` has a table of the functions
 * that change them.
 *
 * The body of a frame may end while calls that the body has begun still wait. If the body was cancelled, the scope must
 * not end before these calls, so that no code of the scope runs after the scope has ended. In the states CLOSING and
 * CLEANING, the frame waits for these calls.
 */

/** State of a frame: the first step of the task is still to come. */
export const CREATED = -1
/** State of a frame: the body runs. */
export const OPEN = 0
/** State of a frame: the body has ended without a cancel. Calls that the body has begun and not awaited continue. */
export const ENDED = 1
/**
 * State of a frame: the body was cancelled and has ended. The frame waits for the other calls that the body has begun,
 * and refuses new waits.
 */
export const CLOSING = 2
/**
 * State of a frame: the body was cancelled and has ended, and in this turn of the loop a wait of the frame has ended.
 * The code whose wait has ended may begin another wait in this turn, to clean up. At the end of the turn, the state is
 * CLOSING again, in which new waits are refused.
 */
export const CLEANING = 3
/**
 * State of a frame: `abandon` has ended the task at once, although its code may still run or wait. No wait may begin in
 * the frame.
 */
export const ABANDONED = 4
export type FrameState =
  | typeof CREATED
  | typeof OPEN
  | typeof ENDED
  | typeof CLOSING
  | typeof CLEANING
  | typeof ABANDONED
