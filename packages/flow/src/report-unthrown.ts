import { getEventLoop } from '@tasktree/core'

/** Tells the loop's exception handler of an error that nobody is there to catch. */
export function reportUnthrown(exception: unknown): void {
  getEventLoop().callExceptionHandler({
    message: 'An error came too late to be thrown',
    exception,
  })
}
