/**
 * Reports failures that no code has noticed, because the program has forgotten to await a command or the end of a
 * process.
 *
 * The command may still be awaited later, so a failure is reported only when that has become impossible: when the
 * command is collected as garbage, when the run of its loop ends, or when the program ends. The listener for the end of
 * the program is needed for code outside of `run`, whose loop has no end, in a program that ends before garbage is
 * collected.
 */
import type { EventLoop } from '@tasktree/core'

interface Failure {
  readonly what: string
  readonly exception: unknown
  readonly loop: EventLoop
  forgetRun: () => void
}

const failures = new Set<Failure>()
/** True when a failure was reported. Then the exit code must not be 0. */
let hasReported = false
const collected = new FinalizationRegistry<Failure>(report)

/**
 * Reports `exception` later, unless the returned function is called before. `command` is the object that the caller
 * should await.
 */
export function reportUnlessAwaited(
  command: object,
  what: string,
  exception: unknown,
  loop: EventLoop,
): () => void {
  const failure: Failure = { what, exception, loop, forgetRun: () => {} }
  // An error keeps the objects on its stack in memory until its stack is read. The command is among these objects, and
  // must be collectable as garbage, so the stack is read now.
  try {
    if (exception instanceof Error) void exception.stack
  } catch {
    // The exception is a Proxy or has a getter, and reading its stack throws. It is reported all the same.
  }
  failures.add(failure)
  if (failures.size === 1 && !hasReported) process.on('exit', onExit)
  failure.forgetRun = loop.addShutdownHook(async () => report(failure))
  collected.register(command, failure, failure)
  return () => {
    if (!forget(failure)) return
    collected.unregister(failure)
  }
}

function forget(failure: Failure): boolean {
  if (!failures.delete(failure)) return false
  failure.forgetRun()
  if (failures.size === 0 && !hasReported) process.off('exit', onExit)
  return true
}

function report(failure: Failure): void {
  if (!failures.has(failure)) return
  hasReported = true
  forget(failure)
  collected.unregister(failure)
  const { what, exception, loop } = failure
  loop.callExceptionHandler({ message: `${what} has failed, and was never awaited`, exception })
}

function onExit(): void {
  for (const failure of failures) report(failure)
  // The same exit code as after an unhandled rejection. A code that the program has set is kept.
  process.exitCode ||= 1
}
