import type { Coroutine, CoroutineFunction } from '../tasks/coroutine.ts'
import { checkMain, Runner, type RunnerOptions } from './runner.ts'

/**
 * Runs `main` as the main task of a new loop (or of `options.loop`), and returns a promise of its outcome. When `main`
 * has ended, `run` cancels every other task of the loop and waits until all have ended. If one of these tasks fails,
 * its error is passed to the exception handler of the loop. Then `run` calls the functions that were passed to
 * `addShutdownHook` of the loop, and settles the promise that it has returned.
 *
 * The first SIGINT or SIGTERM cancels the main task. A second one, or one that comes after `main` has ended, ends the
 * process with exit code 130 (SIGINT) or 143 (SIGTERM). If `options.signal` aborts, the main task is cancelled too.
 *
 * @throws {TypeError} when `main` is neither a function nor a Coroutine, and for wrong options
 * @throws {RuntimeError} inside a task or callback of a loop, and when code calls `stop` of the loop before `main` has
 * ended; then `run` cancels `main` like every other task
 * @throws {KeyboardInterrupt} when SIGINT or SIGTERM has ended `main`
 * @throws {DeadlockError} when nothing is left that could end the wait of the main task, or of another task that is
 * still there after the main task has ended; the message contains the task tree
 *
 * @example
 *     const total = await run(async () => {
 *       const [a, b] = await gather([sleep(5, 1), sleep(5, 2)])
 *       return a + b
 *     })
 *     console.log(total) // 3
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
