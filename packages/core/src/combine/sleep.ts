import { checkCancelMessage, checkDelay } from '../arguments.ts'
import { Claim } from '../futures/claim.ts'
import { getEventLoop } from '../context/current.ts'
import type { CancelledError } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import { durationText } from '../futures/duration-text.ts'
import { type WaitDetails, waitDetails } from '../futures/wait-details.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { TimerEntry } from '../loop/timer-heap.ts'

/** A future that is its own timer: a million sleepers are a million objects, not two million. */
class Sleep<R> extends Future<R> implements TimerEntry {
  heapIndex = -1
  heapOrder = 0
  readonly #result: R

  constructor(loop: EventLoop, result: R) {
    super({ loop })
    this.#result = result
  }

  run(): void {
    if (!this.done()) this.setResult(this.#result)
  }

  [waitDetails](): WaitDetails {
    const loop = this.getLoop()
    const left = Math.max(0, (loop.deadlineOf(this) ?? 0) - loop.time())
    return {
      kind: 'sleep',
      label: left === Infinity ? 'its cancel' : `a timer, due in ${durationText(left)}`,
      text:
        left === Infinity
          ? 'sleeps until it is cancelled'
          : `sleeps for another ${durationText(left)}`,
    }
  }

  override cancel(msg?: string | CancelledError): boolean {
    checkCancelMessage(msg)
    if (this.heapIndex !== -1) this.getLoop().removeTimer(this)
    return super.cancel(msg)
  }
}

/** One full turn of the loop: it is in the queue from the start, as a task in asyncio's bare yield is. */
class Pause<R> extends Claim<R> {
  readonly #result: R

  constructor(loop: EventLoop, result: R) {
    super({ loop })
    this.#result = result
    loop.pushAfterIO(this.woken())
  }

  [waitDetails](): WaitDetails {
    return { kind: 'turn', label: 'its next turn' }
  }

  override takesNothing(): boolean {
    return true
  }

  protected override claim(): void {
    this.fulfill(this.#result)
  }

  protected override decline(): void {
    // Nothing was taken.
  }
}

/**
 * Waits until it is cancelled.
 *
 * @example
 *     await using server = await startServer(onClient, 'localhost', 8888)
 *     await sleepForever()
 *
 * Source: trio.sleep_forever
 */
export function sleepForever(): Future<never> {
  return sleep(Infinity) as Future<never>
}

/**
 * One full turn of the loop, I/O included, and a point where a cancel is delivered: for long computations.
 *
 * @example
 *     for (const [i, row] of rows.entries()) {
 *       compute(row)
 *       if (i % 1_000 === 0) await checkpoint()
 *     }
 *
 * Source: trio.lowlevel.checkpoint
 */
export function checkpoint(): Future<void> {
  return sleep(0)
}

/**
 * Ends after `ms` milliseconds, with `result`. 0 and less: after one full turn of the loop, in which
 * everything that is ready runs and I/O is served. Infinity waits until it is cancelled.
 *
 * @throws {TypeError} when `ms` is not a number, or NaN
 *
 * Source: asyncio.sleep. Differs: milliseconds; the time runs from the call, not from the await.
 */
export function sleep(ms: number): Future<void>
export function sleep<R>(ms: number, result: R): Future<R>
export function sleep<R>(ms: number, result?: R): Future<R | undefined> {
  const delay = checkDelay(ms)
  const loop = getEventLoop()
  loop.assertOpen()
  if (delay === 0) return new Pause(loop, result)
  const sleeper = new Sleep(loop, result)
  loop.addTimer(sleeper, loop.time() + delay)
  return sleeper
}
