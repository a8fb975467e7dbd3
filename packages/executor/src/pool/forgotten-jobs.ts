/**
 * Failed jobs that nobody has awaited. A program that forgets an `await` must not end as if all had gone well: each
 * such failure is reported when the program ends, and the exit code says so.
 *
 * A loop reports them too, when its run ends or when the future is collected. In plain code there is no end of a
 * run, and at the end of a program nothing is collected.
 */
import type { EventLoop, Future } from '@tasktree/core'
import { whenLostUnseen } from '@tasktree/core/lowlevel'

let fresh: Future<unknown>[] = []
const forgotten = new Set<WeakRef<Future<unknown>>>()
/** A failed job was collected before anybody had looked at its failure. The loop has reported it. */
let wasOneLost = false
let sweepAt = 100
let isListening = false

/** A job has failed. Nearly all failures are seen within a turn of the loop, by the code that awaits the job. */
export function noteFailure(future: Future<unknown>): void {
  fresh.push(future)
  if (fresh.length === 1) future.getLoop().callSoon(keepUnseen)
}

function keepUnseen(): void {
  const failures = fresh
  fresh = []
  for (const future of failures) {
    if (!isUnseen(future)) continue
    forgotten.add(new WeakRef(future))
    whenLostUnseen(future, noteLost)
  }
  if (forgotten.size > sweepAt) sweep()
  if (isListening || forgotten.size === 0) return
  isListening = true
  process.on('exit', reportAll)
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
  keepUnseen()
  sweep()
  if (wasOneLost) process.exitCode ??= 1
  for (const reference of forgotten) {
    const future = reference.deref() as Future<unknown>
    const loop = future.getLoop()
    // The end of a run has reported its own.
    if (!isClosed(loop)) {
      const exception = (future as unknown as Seen).peekOutcome()
      loop.callExceptionHandler({ message: 'Job exception was never retrieved', exception, future })
    }
    process.exitCode ??= 1
  }
}

/** What core's futures know about themselves, and do not declare. */
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
