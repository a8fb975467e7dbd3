import { getEventLoop } from '@tasktree/core'
import { checkDuration, checkOptions, describe, takeSignal } from '@tasktree/core/lowlevel'
import { constants } from 'node:os'

/** An object that can be stopped, such as a server or a system of actors. */
export type Stoppable = { stop(): PromiseLike<unknown> } | AsyncDisposable

export interface ShutdownOptions {
  /**
   * How many milliseconds the rest of the program has to end after the stop. Then `process.exit()` is called.
   * @defaultValue 5000
   */
  exitAfter?: number | undefined
}

/**
 * Stops `target` when the process gets one of `signals`. After the stop, the process ends as soon as nothing is left to
 * do, and at the latest after `exitAfter` milliseconds. The exit code is 0, or 1 if the stop has failed. A second signal
 * ends the process at once. Inside `run`, the signals do not cancel the main task any more.
 *
 * Disposing the returned object removes the listeners.
 *
 * @throws {TypeError} for a signal that does not exist, a target that cannot be stopped, and wrong options
 * @throws {RangeError} for options whose value is out of range
 *
 * @example
 *     const server = await serve(() => new Response('hello'))
 *     using _handlers = shutdownOn(['SIGTERM', 'SIGINT'], server)
 *     await server.stop()
 */
export function shutdownOn(
  signals: NodeJS.Signals | readonly NodeJS.Signals[],
  target: Stoppable,
  options?: ShutdownOptions,
): Disposable {
  const list = typeof signals === 'string' ? [signals] : [...signals]
  for (const signal of list) {
    if (!Object.hasOwn(constants.signals, signal)) {
      throw new TypeError(`shutdownOn takes names of signals, got ${describe(signal)}`)
    }
  }
  const stop = stopOf(target)
  checkOptions(options)
  const exitAfter = checkDuration('the option exitAfter', options?.exitAfter ?? 5_000)
  const loop = getEventLoop()
  let isStopping = false
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isStopping) process.exit(128 + constants.signals[signal])
    isStopping = true
    // Node 22 has no Promise.try.
    new Promise((resolve) => resolve(stop()))
      .catch((exception: unknown) => {
        process.exitCode = 1
        loop.callExceptionHandler({ message: `the stop after ${signal} has failed`, exception })
      })
      .finally(() => endProcess(exitAfter))
  }
  const giveBack = list.map((signal) => {
    process.on(signal, onSignal)
    return takeSignal(signal)
  })
  return {
    [Symbol.dispose]() {
      for (const signal of list) process.off(signal, onSignal)
      for (const each of giveBack.splice(0)) each()
    },
  }
}

function stopOf(target: Stoppable): () => PromiseLike<unknown> {
  if (typeof target === 'object' && target !== null) {
    if ('stop' in target && typeof target.stop === 'function') return () => target.stop()
    if (Symbol.asyncDispose in target) return () => target[Symbol.asyncDispose]()
  }
  throw new TypeError(
    `shutdownOn takes a server or a system that has stop(), got ${describe(target)}`,
  )
}

/**
 * Ends the process as soon as nothing is left to do. If the process were left to end by itself, a main task that waits for
 * ever would be reported as a deadlock.
 */
function endProcess(exitAfter: number): void {
  process.prependOnceListener('beforeExit', () => process.exit())
  // This timer does not keep the process alive.
  if (exitAfter !== Infinity) {
    const timer = AbortSignal.timeout(Math.min(exitAfter, longestTimer))
    timer.addEventListener('abort', () => process.exit())
  }
}

const longestTimer = 0x7fff_ffff
