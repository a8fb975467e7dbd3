import { describe } from '../arguments.ts'
import { errorText } from '../errors/error-text.ts'
import type { Future } from '../futures/future.ts'
import type { Task } from '../tasks/task.ts'
import type { Handle } from './handle.ts'
import type { EventLoop } from './loop.ts'

/**
 * The data that an exception handler gets: a message, the exception, and the task, the future or the callback
 * (`handle`) from which the exception comes.
 */
export interface ExceptionContext {
  message: string
  exception?: unknown
  task?: Task
  future?: Future<unknown>
  handle?: Handle
}

export type ExceptionHandler = (loop: EventLoop, context: ExceptionContext) => void

/** @throws {TypeError} when `handler` is neither a function nor null */
export function checkExceptionHandler(handler: unknown): void {
  if (handler === null || typeof handler === 'function') return
  throw new TypeError(`an exception handler must be a function or null, got ${describe(handler)}`)
}

/**
 * Passes `context` to `handler`, or to the default handler of `loop` if `handler` is null. The handler sees the context
 * variables of the task in `context`, or of the callback for which the Handle in `context` stands. If the handler
 * throws, the default handler reports the new error and `context`.
 *
 * @throws {TypeError} when `context` has no message
 */
export function reportException(
  loop: EventLoop,
  handler: ExceptionHandler | null,
  context: ExceptionContext,
): void {
  checkContext('callExceptionHandler', context)
  if (handler === null) {
    loop.defaultExceptionHandler(context)
    return
  }
  try {
    const owner = context.task ?? context.handle
    if (owner === undefined) handler(loop, context)
    else
      owner
        .getContext()
        .copy()
        .run(() => handler(loop, context))
  } catch (exception) {
    loop.defaultExceptionHandler({ message: 'Unhandled error in exception handler', exception })
    loop.defaultExceptionHandler(context)
  }
}

/** @throws {TypeError} when `context`, the argument of the method `call`, has no message */
function checkContext(call: string, context: unknown): void {
  if (typeof (context as Partial<ExceptionContext> | null | undefined)?.message === 'string') return
  throw new TypeError(`${call} takes { message, … } with a string, got ${describe(context)}`)
}

/**
 * Prints the message in `context`, and the name of the task and the exception if `context` has them, in one call of
 * `console.error`.
 *
 * @throws {TypeError} when `context` has no message
 */
export function printException(context: ExceptionContext): void {
  checkContext('defaultExceptionHandler', context)
  const lines = [context.message]
  if (context.task !== undefined) lines.push(`task: ${context.task.name}`)
  printError(lines.join('\n'), ...('exception' in context ? ['\n', context.exception] : []))
}

/**
 * Calls `console.error` with `values`. The last value may be any value that code has thrown: if `console.error` cannot
 * show this value, its text is printed.
 */
export function printError(...values: unknown[]): void {
  try {
    // oxlint-disable-next-line eslint/no-console -- there is no other handler, and an error must not be lost
    console.error(...values)
  } catch {
    // oxlint-disable-next-line eslint/no-console -- as above
    console.error(...values.slice(0, -1), errorText(values.at(-1)))
  }
}
