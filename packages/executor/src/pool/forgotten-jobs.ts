/**
 * Finds failed jobs whose failure no code has handled. A program that forgets an `await` must not end as if every job
 * had succeeded: each such failure is reported when the program ends, and the exit code is 1.
 *
 * A loop also reports such failures, when its run ends or when the future is garbage-collected. But plain code has no
 * run that ends, and at the end of a program nothing is garbage-collected.
 */
import type { EventLoop, Future } from '@tasktree/core'
import { whenLostUnseen } from '@tasktree/core/lowlevel'

/** For each loop: the futures of jobs that have failed, and that `checkFresh` has not looked at yet. */
const fresh = new Map<EventLoop, Future<unknown>[]>()
const forgotten = new Set<WeakRef<Future<unknown>>>()
/** The futures of jobs that failed after their loop was closed, so that the loop has not reported them. */
const late = new WeakSet<Future<unknown>>()
/**
 * True when the future of a failed job was garbage-collected before its failure was handled. The loop has already
 * reported that failure.
 */
let wasOneLost = false
let sweepAt = 100
let isListening = false

/**
 * Called when a job has failed. The check comes one turn of the loop later, because by then the code that awaits the
 * job has nearly always handled the failure. A closed loop has no more turns, so there the check comes at once.
 */
export function noteFailure(future: Future<unknown>): void {
  const loop = future.getLoop()
  if (isClosed(loop)) {
    late.add(future)
    keepUnseen([future])
    return
  }
  const failures = fresh.get(loop)
  if (failures !== undefined) {
    failures.push(future)
    return
  }
  // A loop that was closed before the callback below could run has not called `checkFresh`. So it is called here for
  // such loops.
  for (const other of fresh.keys()) if (isClosed(other)) checkFresh(other)
  fresh.set(loop, [future])
  loop.callSoon(() => checkFresh(loop))
}

function checkFresh(loop: EventLoop): void {
  const failures = fresh.get(loop) ?? []
  fresh.delete(loop)
  keepUnseen(failures)
}

function keepUnseen(failures: readonly Future<unknown>[]): void {
  for (const future of failures) {
    if (!isUnseen(future)) continue
    forgotten.add(new WeakRef(future))
    whenLostUnseen(future, noteLost)
  }
  if (forgotten.size > sweepAt) sweep()
  if (isListening || forgotten.size === 0) return
  isListening = true
  // Before the listener of the loops, which would report the same failures, without the exit code.
  process.prependListener('exit', reportAll)
}

function noteLost(): void {
  wasOneLost = true
}

function sweep(): void {
  for (const reference of forgotten) {
    const future = reference.deref()
    if (future === undefined || !isUnseen(future)) forgotten.delete(reference)
  }
  sweepAt = Math.max(100, 2 * forgotten.size)
}

function reportAll(): void {
  for (const loop of fresh.keys()) checkFresh(loop)
  sweep()
  if (wasOneLost) process.exitCode ??= 1
  for (const reference of forgotten) {
    const future = reference.deref() as Future<unknown>
    const loop = future.getLoop()
    // A loop that is closed now has reported, at the end of its run, the failures that it had then.
    if (!isClosed(loop) || late.has(future)) {
      const exception = (future as unknown as Seen).peekOutcome()
      loop.callExceptionHandler({ message: 'Job exception was never retrieved', exception, future })
      // Reads the exception, so that the loop does not report it too.
      future.exception()
    }
    process.exitCode ??= 1
  }
}

/** Methods of core's futures that their public type does not declare. */
interface Seen {
  isUnseenFailure(): boolean
  peekOutcome(): unknown
}

function isUnseen(future: Future<unknown>): boolean {
  return (future as unknown as Seen).isUnseenFailure()
}

function isClosed(loop: EventLoop): boolean {
  return loop.isClosed()
}
