/**
 * The states of a frame. `docs/design/kernel.md` has a table of the functions that change them.
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
 * State of a frame: the same as CLOSING, during a turn in which a wait of the frame has ended. In this turn, the code
 * whose wait has ended may begin another wait, to clean up.
 */
export const CLEANING = 3
/** State of a frame: the task was abandoned (`abandon`). No wait may begin in the frame. */
export const ABANDONED = 4
export type FrameState =
  | typeof CREATED
  | typeof OPEN
  | typeof ENDED
  | typeof CLOSING
  | typeof CLEANING
  | typeof ABANDONED
