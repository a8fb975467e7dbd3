/**
 * Reports failures that no code can see, because the program has forgotten to await a command or the end of a process.
 *
 * The command may still be awaited later, so a failure is reported only when that has become impossible: when the command
 * is collected as garbage, when the run of its loop ends, or when the program ends. Plain code has a loop whose run
 * never ends, and a short program ends before anything is collected: the 'exit' listener is for them.
 */
import type { EventLoop } from '@tasktree/core'

interface Failure {
  readonly what: string
  readonly exception: unknown
  readonly loop: EventLoop
  forgetRun: () => void
}

const failures = new Set<Failure>()
/** A failure was reported, so the exit code must say so. */
let hasReported = false
const collected = new FinalizationRegistry<Failure>(report)

/** Reports `exception`, unless the returned function is called before. `command` is what the caller would await. */
export function reportUnlessAwaited(
  command: object,
  what: string,
  exception: unknown,
  loop: EventLoop,
): () => void {
  const failure: Failure = { what, exception, loop, forgetRun: () => {} }
  // Until its stack is read, an error refers to the objects on the stack, the command among them.
  if (exception instanceof Error) void exception.stack
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
  // As after an unhandled rejection. A program that has set another code keeps it.
  process.exitCode ||= 1
}
