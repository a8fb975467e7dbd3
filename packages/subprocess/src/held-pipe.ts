import type { Socket } from 'node:net'
import { afterDelay } from '@tasktree/core/lowlevel'

/** How many milliseconds a pipe must be silent after the exit of its child until it counts as ended. */
export const DRAIN_GRACE = 100

/**
 * Ends a pipe whose child has exited. A grandchild may keep the pipe open for any time, so the pipe is ended after
 * DRAIN_GRACE milliseconds of silence. Data that is still arriving is not cut off.
 *
 * Node runs timers before it reads from pipes. After a program was held up for longer than DRAIN_GRACE, its timer comes
 * while data waits in the pipe that came long before. So the timer only asks for a look in the same turn of Node's loop,
 * after that turn has read.
 *
 * `isEnded` returns whether this program ended the child. If so, no member of the child's group is left that could
 * write.
 */
export function endWhenSilent(pipe: Socket | null, isEnded: () => boolean): void {
  if (pipe === null || pipe.readableEnded || pipe.closed) return
  let seen = pipe.bytesRead
  let stop = (): void => {}
  const lookLater = (): void => {
    stop = afterDelay(DRAIN_GRACE, lookAfterReading)
  }
  const lookAfterReading = (): void => {
    // oxlint-disable-next-line eslint/no-restricted-globals -- the turn of Node's loop is meant, not a turn of ours
    const immediate = setImmediate(look)
    // oxlint-disable-next-line eslint/no-restricted-globals -- see above
    stop = () => clearImmediate(immediate)
  }
  const look = (): void => {
    const isSilent = pipe.bytesRead === seen && pipe.readableLength === 0
    if (isEnded() || (isSilent && !pipe.isPaused())) {
      pipe.once('end', () => pipe.destroy())
      pipe.push(null)
      return
    }
    seen = pipe.bytesRead
    // The pipe is paused because its reader is slow, so more data may come. A timer here would keep the program alive
    // even if it never reads the rest.
    if (pipe.isPaused()) pipe.once('resume', lookLater)
    else lookLater()
  }
  lookLater()
  pipe.once('close', () => stop())
}
