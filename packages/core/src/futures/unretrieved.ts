import type { Future } from './future.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Runnable } from '../loop/ready-queue.ts'

/** What is left of a failed future when it is collected. It must not refer to the future. */
interface Report {
  readonly failures: Failures
  readonly what: 'Future' | 'Task'
  readonly name: string | null
  readonly exception: unknown
  readonly future: WeakRef<Future<unknown>>
}

const reports = new WeakMap<Future<unknown>, Report>()
const collected = new FinalizationRegistry<Report>((report) => report.failures.report(report))

const watched = new FinalizationRegistry<() => void>((callback) => callback())

/**
 * Calls `callback` when `future` is collected, if nobody has looked at its failure until then. The failure must have
 * been there for a turn of the loop. `callback` must not refer to the future.
 */
export function whenLostUnseen(future: Future<unknown>, callback: () => void): void {
  watched.register(future, callback, future)
}

/** Somebody has looked at the future's exception. */
export function forgetUnretrieved(future: Future<unknown>): void {
  const report = reports.get(future)
  if (report === undefined) return
  reports.delete(future)
  report.failures.forget(report)
  collected.unregister(report)
  watched.unregister(future)
}

/**
 * The failures of a loop's futures that nobody has looked at. Each is reported once: when its future
 * is collected, or when the run of the loop ends, whichever is first.
 *
 * A failure is registered only after a turn of the loop: by then nearly every failure has been seen by the code that awaits it.
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
    if (this.#fresh.length === 1) this.#loop.push(this)
  }

  run(): void {
    const fresh = this.#fresh
    this.#fresh = []
    for (const future of fresh) if (future.isUnseenFailure()) this.#register(future)
  }

  #register(future: Future<unknown>): void {
    const exception = future.peekOutcome()
    // Until its stack is read, an error refers to the objects on it, the task among them.
    if (exception instanceof Error) void exception.stack
    const name = 'name' in future ? String(future.name) : null
    const report: Report = {
      failures: this,
      what: name === null ? 'Future' : 'Task',
      name,
      exception,
      future: new WeakRef(future),
    }
    reports.set(future, report)
    this.#reports.add(report)
    collected.register(future, report, report)
  }

  forget(report: Report): void {
    this.#reports.delete(report)
  }

  report(report: Report): void {
    if (!this.#reports.delete(report)) return
    const future = report.future.deref()
    const { what, name, exception } = report
    this.#loop.callExceptionHandler({
      message: `${what} exception was never retrieved${name === null ? '' : `: ${name}`}`,
      exception,
      ...(future === undefined ? {} : what === 'Task' ? { task: future as never } : { future }),
    })
  }

  /** The run has ended: nobody will look any more. */
  reportAll(): void {
    this.run()
    for (const report of this.#reports) {
      collected.unregister(report)
      this.report(report)
    }
  }
}
