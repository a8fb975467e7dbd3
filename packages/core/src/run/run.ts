import type { Coroutine, CoroutineFunction } from '../tasks/coroutine.ts'
import { checkMain, Runner, type RunnerOptions } from './runner.ts'

/**
 * Runs `main` as the main task of a new loop. When it has ended, every other task of the loop is
 * cancelled and awaited, and what they threw goes to the exception handler; then the shutdown hooks
 * run, and `run` settles with main's outcome.
 *
 * The first SIGINT or SIGTERM cancels the main task, the second ends the process with 130 or 143.
 * `options.signal` cancels it too.
 *
 * @throws {TypeError} when `main` is no function and no Coroutine, and for wrong options
 * @throws {RuntimeError} inside a task of a running loop
 * @throws {KeyboardInterrupt} when SIGINT or SIGTERM ended it
 * @throws {DeadlockError} when the process would exit with the main task still waiting, or with what it left behind; the
 * message is the task tree
 *
 * Source: asyncio.run
 */
export function run<T>(
  main: CoroutineFunction<[], T> | Coroutine<T>,
  options: RunnerOptions & { signal?: AbortSignal } = {},
): Promise<T> {
  checkMain('run', main)
  return new Runner(options).runAndClose(main, options.signal)
}
