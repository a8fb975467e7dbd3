import type { Socket } from 'node:net'
import { afterDelay } from '@tasktree/core/lowlevel'

/** How long a pipe must be silent after the exit of its child before its end is declared, in milliseconds. */
export const DRAIN_GRACE = 100

/**
 * Declares the end of a pipe whose child has exited. A grandchild may hold the pipe open for as long as it likes, so the
 * end is declared after DRAIN_GRACE of silence. Data that is still coming is not cut.
 *
 * `isEnded`: whether the child was ended from here. Then no member of its group is left that could write.
 */
export function endWhenSilent(pipe: Socket | null, isEnded: () => boolean): void {
  if (pipe === null || pipe.readableEnded || pipe.closed) return
  let seen = pipe.bytesRead
  let stop = (): void => {}
  const lookLater = (): void => {
    stop = afterDelay(DRAIN_GRACE, look)
  }
  const look = (): void => {
    const isSilent = pipe.bytesRead === seen && pipe.readableLength === 0
    if (isEnded() || (isSilent && !pipe.isPaused())) {
      pipe.once('end', () => pipe.destroy())
      pipe.push(null)
      return
    }
    seen = pipe.bytesRead
    // The reader is slow and there is more to come. A timer would keep alive a program that never reads the rest.
    if (pipe.isPaused()) pipe.once('resume', lookLater)
    else lookLater()
  }
  lookLater()
  pipe.once('close', () => stop())
}
