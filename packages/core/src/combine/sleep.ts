import { checkCancelMessage, checkDelay } from '../arguments.ts'
import { Claim } from '../futures/claim.ts'
import { getEventLoop } from '../context/current.ts'
import type { CancelledError } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import { durationText } from '../futures/duration-text.ts'
import { type WaitDetails, waitDetails } from '../futures/wait-details.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { TimerEntry } from '../loop/timer-heap.ts'

/**
 * The future of a `sleep` with a delay. This object is also the timer: the loop calls `run()` when the time is over. So
 * a sleep needs one object, and not a future and a timer.
 */
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

/**
 * The future of `sleep(0)`. After Node has handled the I/O that is ready, this future is put into the ready queue, the
 * list of the things that the loop runs one after another. When the loop comes to this future, the base class Claim
 * resumes the waiting code at once, as in asyncio. A plain future would only put the waiting code into the queue again.
 */
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
    // Called when the waiting code was cancelled, or the loop closed. Other Claims then leave a lock or an item to the
    // next waiter. A future of `sleep(0)` takes nothing, so it has nothing to leave.
  }
}

/**
 * Returns a future that never ends by itself. Only a cancel ends the future: a cancel of the future itself, or of the
 * task that awaits the future.
 *
 * @example
 *     const server = createTask(async () => {
 *       try {
 *         await sleepForever()
 *       } finally {
 *         console.log('closed') // closed
 *       }
 *     })
 *     await sleep(1)
 *     server.cancel()
 *
 * Source: trio.sleep_forever
 */
export function sleepForever(): Future<never> {
  return sleep(Infinity) as Future<never>
}

/**
 * Returns a future that ends after all other tasks and callbacks that are ready have run, and I/O was handled. If the
 * task was cancelled before, the `await` throws the CancelledError. A long computation should await `checkpoint()` from
 * time to time, so that other tasks can run.
 *
 * @example
 *     const rows = Array.from({ length: 3_000 }, (_, i) => i)
 *     let sum = 0
 *     for (const [i, row] of rows.entries()) {
 *       sum += row
 *       if (i % 1_000 === 0) await checkpoint()
 *     }
 *     console.log(sum) // 4498500
 *
 * Source: trio.lowlevel.checkpoint
 */
export function checkpoint(): Future<void> {
  return sleep(0)
}

/**
 * Returns a future that ends after `ms` milliseconds with `result`. If `ms` is 0 or less, the future ends after all
 * other tasks and callbacks that are ready have run, and I/O was handled (in virtual time, I/O is not waited for). If
 * `ms` is Infinity, only a cancel ends the future.
 *
 * @throws {TypeError} when `ms` is not a number, or NaN
 *
 * @example
 *     console.log(await sleep(10, 'ten milliseconds later')) // ten milliseconds later
 *
 * Source: asyncio.sleep. Differs: the time is in milliseconds, and runs from the call of `sleep`, not from the `await`.
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
