import { isInterrupt } from '../errors/errors.ts'
import { printError } from '../loop/exception-handler.ts'
import type { Coroutine, CoroutineFunction } from '../tasks/coroutine.ts'
import { run } from './run.ts'
import { checkMain, checkRunnerOptions, type RunnerOptions } from './runner.ts'

/** For each signal: the exit code of the process when this signal has ended the program. */
const exitCodes: Readonly<Partial<Record<NodeJS.Signals, number>>> = { SIGINT: 130, SIGTERM: 143 }

/**
 * Runs `main` as a whole program. The outcome of `main` decides how the process ends:
 *
 * - When the process gets SIGINT or SIGTERM, `main` is cancelled and its clean-up runs. Then the tasks and child
 * processes that are left are ended, and the shutdown hooks run. If the cancel has ended `main`, the process then exits
 * with code 130 (SIGINT) or 143 (SIGTERM), and prints nothing. A second signal ends the process at once.
 * - When `main` fails, its error is printed and the process exits with code 1.
 * - When `main` returns, the process ends in the usual way, and `process.exitCode` is its exit code.
 *
 * The promise that `runMain` returns never rejects.
 *
 * @throws {TypeError} when `main` is neither a function nor a Coroutine, and for wrong options
 *
 * @example
 *     await runMain(async () => {
 *       try {
 *         await sleep(10)
 *         console.log('done') // done
 *       } finally {
 *         await sleep(1) // Ctrl-C and SIGTERM cancel the main task, and clean-up runs
 *       }
 *     })
 *
 * Source: asyncio.run in `if __name__ == '__main__'`. Differs: `runMain` also ends the process when `main` was
 * cancelled by a signal or has failed.
 */
export function runMain(
  main: CoroutineFunction<[], unknown> | Coroutine<unknown>,
  options: RunnerOptions & { signal?: AbortSignal } = {},
): Promise<void> {
  checkMain('runMain', main)
  checkRunnerOptions(options)
  return runProgram(main, options)
}

async function runProgram(
  main: CoroutineFunction<[], unknown> | Coroutine<unknown>,
  options: RunnerOptions & { signal?: AbortSignal },
): Promise<void> {
  try {
    await run(main, options)
  } catch (error) {
    if (isInterrupt(error)) process.exit(exitCodes[error.signal] ?? 1)
    printError(error)
    process.exit(1)
  }
}
