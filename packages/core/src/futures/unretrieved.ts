import type { Future } from './future.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Runnable } from '../loop/ready-queue.ts'

/**
 * The facts for the message about a failed future whose exception no code has read. Often the message is written when
 * the future has been garbage-collected. So a Report must not keep the future in memory, and holds only a WeakRef of
 * the future.
 */
interface Report {
  readonly failures: Failures
  readonly what: 'Future' | 'Task'
  readonly name: string | null
  readonly exception: unknown
  readonly future: WeakRef<Future<unknown>>
}

const reports = new WeakMap<Future<unknown>, Report>()
const collected = new FinalizationRegistry<Report>((report) => report.failures.report(report))

/** The loops' failures that are still to be reported. They are reported at the latest when the program ends. */
const unreported = new Set<Failures>()

function reportAtExit(): void {
  for (const failures of unreported) failures.reportAll()
}

const watched = new FinalizationRegistry<() => void>((callback) => callback())

/**
 * Calls `callback` when `future` is garbage-collected, if no code has read its exception by then. Call this function
 * only when `Failures.run()` has made a Report of the failure, which it does soon after the failure. When code reads
 * the exception, `forgetUnretrieved` removes `callback`, but does nothing if there is no Report. `callback` must not
 * refer to `future`, because the reference would keep `future` in memory.
 */
export function whenLostUnseen(future: Future<unknown>, callback: () => void): void {
  watched.register(future, callback, future)
}

/** Called when code has read the exception of `future`, so that the failure is not reported any more. */
export function forgetUnretrieved(future: Future<unknown>): void {
  const report = reports.get(future)
  if (report === undefined) return
  reports.delete(future)
  report.failures.forget(report)
  collected.unregister(report)
  watched.unregister(future)
}

/**
 * The failures of a loop's futures whose exception no code has read. Each failure is reported once: when its future is
 * garbage-collected, at the end of `run`, or at the end of the program, whichever is first. The end of the program
 * matters for code outside of `run`, because a program may end before its garbage is collected.
 *
 * `note` only puts the future on a list. Soon afterwards the loop calls the method `run()`, which makes a Report for
 * the future if no code has read the exception by then. Code that awaits the future has nearly always read the
 * exception by then, so few failures need a Report and an entry in the FinalizationRegistry. A closed loop runs nothing
 * any more, so there the Report is made at once.
 */
export class Failures implements Runnable {
  readonly #loop: EventLoop
  #fresh: Future<unknown>[] = []
  readonly #reports = new Set<Report>()

  constructor(loop: EventLoop) {
    this.#loop = loop
  }

  note(future: Future<unknown>): void {
    this.#fresh.push(future)
    if (this.#loop.isClosed()) this.run()
    else if (this.#fresh.length === 1) this.#loop.push(this)
  }

  dropped(): void {
    this.run()
  }

  run(): void {
    const fresh = this.#fresh
    this.#fresh = []
    for (const future of fresh) if (future.isUnseenFailure()) this.#register(future)
  }

  #register(future: Future<unknown>): void {
    const exception = future.peekOutcome()
    // Until code reads the property `stack` of an error, the error refers to the objects on its stack, and so to the
    // task. Without this line the task would not be garbage-collected.
    try {
      if (exception instanceof Error) void exception.stack
    } catch {
      // The exception is a Proxy or has a getter, and reading its stack throws. The exception is reported all the same.
    }
    const name = future.ownExecution()?.task?.name ?? null
    const report: Report = {
      failures: this,
      what: name === null ? 'Future' : 'Task',
      name,
      exception,
      future: new WeakRef(future),
    }
    reports.set(future, report)
    this.#reports.add(report)
    if (this.#reports.size === 1) this.#reportAtExit()
    collected.register(future, report, report)
  }

  #reportAtExit(): void {
    unreported.add(this)
    if (unreported.size === 1) process.on('exit', reportAtExit)
  }

  #remove(report: Report): boolean {
    if (!this.#reports.delete(report)) return false
    if (this.#reports.size === 0 && unreported.delete(this) && unreported.size === 0) {
      process.off('exit', reportAtExit)
    }
    return true
  }

  /** Returns the failed futures whose exception no code has read, if they were neither reported nor garbage-collected. */
  unseen(): Future<unknown>[] {
    const futures = new Set(this.#fresh.filter((future) => future.isUnseenFailure()))
    for (const report of this.#reports) {
      const future = report.future.deref()
      if (future !== undefined) futures.add(future)
    }
    return [...futures]
  }

  forget(report: Report): void {
    this.#remove(report)
  }

  report(report: Report): void {
    if (!this.#remove(report)) return
    const future = report.future.deref()
    const { what, name, exception } = report
    this.#loop.callExceptionHandler({
      message: `${what} exception was never retrieved${name === null ? '' : `: ${name}`}`,
      exception,
      ...(future === undefined ? {} : what === 'Task' ? { task: future as never } : { future }),
    })
  }

  /**
   * Reports every failure that is left. Called at the end of `run` and at the end of the program, because no code can
   * read an exception after that.
   */
  reportAll(): void {
    this.run()
    for (const report of this.#reports) {
      collected.unregister(report)
      this.report(report)
    }
  }
}
