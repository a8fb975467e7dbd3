/**
 * Reports failures that no code has noticed, because the program has forgotten to await a command or the end of a
 * process.
 *
 * The program may still await the command or the process later. So a failure is reported only when that has become
 * impossible: when the command or the process is collected as garbage, when the run of its loop ends, or when the
 * program ends. The listener for the end of the program is needed for code outside of `run` of core: the loop of such
 * code has no end, and the program may end before garbage is collected.
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
 * Reports `exception` later, unless the returned function is called before that. `command` is the object that the
 * program should await: a command or a process. `what` names the task that has failed, for the message.
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
    // The exception is a Proxy or has a getter, and reading its stack throws. The exception is still reported.
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
  // Node ends with the same exit code after an unhandled rejection. A code other than 0 that the program has set is
  // kept.
  process.exitCode ||= 1
}
