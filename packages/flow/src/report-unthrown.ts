import { currentTask, getEventLoop } from '@tasktree/core'

/** Tells the loop's exception handler of an error that cannot be thrown, because another outcome was decided before it came. */
export function reportUnthrown(exception: unknown, message: string): void {
  const task = currentTask()
  getEventLoop().callExceptionHandler({ message, exception, ...(task === null ? {} : { task }) })
}
