import { ExceptionGroup } from '@tasktree/core'
import { checkCount, checkFlag, checkOptions } from '@tasktree/core/lowlevel'
import { runWithSignal } from './run-child.ts'
import { Pump, type Source, Stop } from './pump.ts'
import { reportUnthrown } from './report-unthrown.ts'
import { throwAsIs } from './throw-as-is.ts'

export interface WorkOptions {
  /** At most this many calls of the function run at the same time; Infinity by default. */
  concurrency?: number | undefined
  /**
   * Whether the first failure cancels the other calls, which is the default. If false, all calls are made, and then all
   * failures are thrown.
   */
  stopOnError?: boolean | undefined
  /** An abort of this signal cancels the call. Meant for code outside of a task. */
  signal?: AbortSignal | undefined
}

interface Failure {
  readonly error: unknown
  readonly index: number
}

/** Calls `fn` for every item of `items`. This is the common part of `map` and `forEach`. */
export function callForEachItem<T, R>(
  items: Source<T>,
  fn: (item: T, index: number) => PromiseLike<R>,
  options: WorkOptions | undefined,
  done: (result: R, index: number) => void,
): Promise<void> {
  checkOptions(options)
  const concurrency = checkCount('the option concurrency', options?.concurrency ?? Infinity, 1)
  const stopOnError = checkFlag('stopOnError', options?.stopOnError ?? true)
  return runWithSignal(options?.signal, async () => {
    const failures: Failure[] = []
    const failed = (error: unknown, index: number): void => {
      failures.push({ error, index })
      if (!stopOnError) return
      if (failures.length === 1) throwAsIs(new Stop({ error }))
      reportUnthrown(error)
    }
    try {
      await new Pump({ items, fn, concurrency, done, failed }).run()
    } catch (error) {
      if (!stopOnError) for (const failure of failures) reportUnthrown(failure.error)
      throw error
    }
    if (failures.length > 0) throw inOneGroup(failures)
  })
}

function inOneGroup(failures: readonly Failure[]): ExceptionGroup {
  const inOrder = failures.toSorted((a, b) => a.index - b.index).map(({ error }) => error)
  return new ExceptionGroup('items failed', inOrder)
}
