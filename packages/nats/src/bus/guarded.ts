import { getEventLoop } from '@tasktree/core'

/**
 * Calls `listener` with a message. An error is reported, and does not reach the client: its code that reads the socket would end,
 * and the connection would be deaf.
 */
export function guarded<T>(subject: string, listener: (message: T) => void, message: T): void {
  try {
    listener(message)
  } catch (exception) {
    const text = `The handling of a message to ${subject} has failed`
    getEventLoop().callExceptionHandler({ message: text, exception })
  }
}
