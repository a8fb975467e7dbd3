import { getEventLoop } from '@tasktree/core'

/** Passes an error that no code can catch to the exception handler of the loop. */
export function reportUnthrown(exception: unknown): void {
  getEventLoop().callExceptionHandler({
    message: 'An error came too late to be thrown',
    exception,
  })
}
