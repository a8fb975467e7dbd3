import type { Socket } from 'node:net'
import { afterDelay } from '@tasktree/core/lowlevel'

/** How many milliseconds a pipe must be silent after the exit of its child until it counts as ended. */
export const DRAIN_GRACE = 100
/**
 * How many bytes are read from a pipe at most after `isGone` has become true. A pipe of the system holds about 200 KiB,
 * so bytes beyond MOST_HELD were written later, by another process.
 */
const MOST_HELD = 1_048_576

/**
 * Ends a pipe whose child has exited. A grandchild may keep the pipe open for any time, so the pipe is ended after
 * DRAIN_GRACE milliseconds of silence. Data that is still arriving is not cut off.
 *
 * `isGone` returns whether this program has ended the child and its group, or no longer wants the output of a child that
 * had exited by itself. Then the pipe ends as soon as the data that it holds was read. Another process may still write
 * to it, so the pipe also ends after MOST_HELD bytes.
 *
 * Node runs timers before it reads from pipes. If other code has blocked this program for longer than DRAIN_GRACE, the
 * timer fires while the pipe still holds unread data, which came long before. So the timer does not look at the pipe
 * itself. It arranges a look for later in the same turn of Node's loop, when that turn has read from the pipes.
 */
export function endWhenSilent(pipe: Socket | null, isGone: () => boolean): void {
  if (pipe === null || pipe.readableEnded || pipe.closed) return
  let seen = pipe.bytesRead
  let seenWhenGone: number | null = null
  let stop = (): void => {}
  const lookLater = (): void => {
    stop = afterDelay(DRAIN_GRACE, lookAfterReading)
  }
  const lookAfterReading = (): void => {
    const before = pipe.isPaused() ? -1 : pipe.bytesRead
    // oxlint-disable-next-line eslint/no-restricted-globals -- a turn of Node's loop is meant, not a turn of an EventLoop
    const immediate = setImmediate(() => look(before))
    // oxlint-disable-next-line eslint/no-restricted-globals -- see above
    stop = () => clearImmediate(immediate)
  }
  /** `before` is the number of bytes that were read before this turn; -1 if the pipe was paused. */
  const look = (before: number): void => {
    const isGoneNow = isGone()
    if (isGoneNow) seenWhenGone ??= pipe.bytesRead
    const isEmpty = pipe.readableLength === 0 && !pipe.isPaused()
    const isSilent = isEmpty && pipe.bytesRead === (isGoneNow ? before : seen)
    if (isSilent || pipe.bytesRead - (seenWhenGone ?? Infinity) > MOST_HELD) {
      pipe.once('end', () => pipe.destroy())
      pipe.push(null)
      return
    }
    seen = pipe.bytesRead
    const lookAgain = isGoneNow ? lookAfterReading : lookLater
    // The pipe is paused because its reader is slow, so more data may come. A timer here would keep this program alive
    // even if this program never reads the rest.
    if (pipe.isPaused()) pipe.once('resume', lookAgain)
    else lookAgain()
  }
  lookLater()
  pipe.once('close', () => stop())
}
