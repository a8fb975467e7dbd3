import { currentFrame } from '../context/current.ts'
import { awaitSiteOf, programFrames } from '../futures/await-sites.ts'
import { describeWait } from '../futures/describe-wait.ts'
import type { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import type { Frame } from '../tasks/frame.ts'
import { OPEN } from '../tasks/frame-state.ts'
import { framesOf } from '../tasks/frame-tree.ts'
import type { Task } from '../tasks/task.ts'
import { machineTime } from './clock.ts'
import type { EventLoop } from './loop.ts'

/**
 * Finds the problems that debug mode reports: code that runs too long without a wait, cancels that are delayed, cancels
 * that a task swallows (the task catches the CancelledError and does not throw it again), and calls of async functions
 * without `await`. A swallowed cancel, and a task that ends with a future that it never awaited, are passed to the
 * exception handler of the loop. The other problems become process warnings of the type TasktreeWarning.
 */
export class DebugMonitor {
  readonly #loop: EventLoop
  #turnStart = machineTime()
  /** For each task: the scope or task with a cancel that is to end its next wait, and the time of this cancel. */
  readonly #remembered = new WeakMap<Task, { readonly frame: Frame; readonly since: number }>()
  /**
   * For each task, the `file:line` of the `await` that threw the newest CancelledError. If the task catches this error
   * and ends as if it had not been cancelled, the report of the swallowed cancel contains this text.
   */
  readonly #thrownAt = new WeakMap<Task, string>()
  readonly #made = new WeakMap<Task, FuturesMade>()

  constructor(loop: EventLoop) {
    this.#loop = loop
  }

  turnBegan(): void {
    this.#turnStart = machineTime()
  }

  turnEnded(holder: Task | Frame): void {
    const took = machineTime() - this.#turnStart
    if (!('name' in holder)) return
    if (took > this.#loop.slowCallbackDuration) {
      warn(`executing ${holder.name} took ${took.toFixed(0)} ms without letting others run`)
    }
    this.#forgetSettled(holder)
  }

  callbackEnded(name: string, start: number): void {
    const took = machineTime() - start
    if (took > this.#loop.slowCallbackDuration) {
      warn(`executing callback ${name === '' ? '(anonymous)' : name} took ${took.toFixed(0)} ms`)
    }
  }

  cancelRemembered(task: Task): void {
    if (!task.started) return
    this.#forgetSettled(task)
    if (this.#remembered.has(task)) return
    const frame = framesOf(task.ownExecution()).find(isDue)
    if (frame !== undefined) this.#remembered.set(task, { frame, since: machineTime() })
  }

  /** Forgets a cancel of `task` that was taken back, or of which the code knows by its AbortSignal. */
  #forgetSettled(task: Task): void {
    const remembered = this.#remembered.get(task)
    if (remembered !== undefined && !isDue(remembered.frame)) this.#remembered.delete(task)
  }

  cancelDelivered(task: Task): void {
    const remembered = this.#remembered.get(task)
    if (remembered === undefined) return
    this.#remembered.delete(task)
    const delay = machineTime() - remembered.since
    if (delay > this.#loop.slowCallbackDuration) {
      warn(
        `the cancel of ${task.name} was delayed ${delay.toFixed(0)} ms by an await of a foreign promise: ` +
          'await ensureFuture(promise), or pass it taskSignal()',
      )
    }
  }

  /**
   * Records that a wait of `task` throws a CancelledError. `key` identifies the wait: `awaitSiteOf(key)` returns the
   * `file:line` of the `await`.
   */
  cancelThrown(task: Task, key: Reaction): void {
    this.cancelDelivered(task)
    const [site] = awaitSiteOf(key)
    if (site !== undefined) this.#thrownAt.set(task, site)
  }

  /**
   * Reports that `task` has returned a value, although the task was cancelled and no code has taken the cancel back
   * with `uncancel()`.
   */
  cancelSwallowed(task: Task): void {
    const site = this.#thrownAt.get(task)
    const where = site === undefined ? '' : ` that the await at ${site} threw`
    this.#loop.callExceptionHandler({
      message:
        `${task.name} was cancelled and has returned a value: it swallowed the CancelledError${where}. ` +
        'Throw it again after the clean-up',
      task,
    })
  }

  /**
   * Records that the running task has made `future`. If no code has awaited the future when the task ends, debug mode
   * reports the future. The class Future calls this method only for objects of its subclasses: this library returns
   * them from functions such as `sleep`, and the caller must await them.
   */
  futureMade(future: Future<unknown>): void {
    const task = currentFrame()?.task ?? null
    if (task === null) return
    const made = this.#made.get(task) ?? new FuturesMade()
    this.#made.set(task, made)
    made.add(future)
  }

  /**
   * Called when a scope that was not cancelled, such as a `timeout`, ends; `frame` is the object that lists the waits of
   * the scope's body. Warns if async functions that the body has called still wait. The scope itself would wait for
   * these functions only if it was cancelled.
   */
  scopeEnded(frame: Frame): void {
    const waits = waitsInside(frame)
    if (waits.length === 0) return
    const scope = frame.task === null ? 'a scope' : `a scope of ${frame.task.name}`
    warn(
      `${scope} has ended while work it began still waits on ${list(waits)}: was a call not awaited?`,
    )
  }

  taskEnded(task: Task): void {
    // If the body has ended before its next wait, its end has delivered the cancel.
    const isSeen = this.#remembered.get(task)?.frame.cancellation?.isSeen === true
    if (task.cancelled() && !isSeen) this.cancelDelivered(task)
    const waits = waitsInside(task.ownExecution())
    if (waits.length > 0) {
      warn(
        `${task.name} has ended while work it began still waits on ${list(waits)}: was a call not awaited?`,
      )
    }
    const made = this.#made.get(task)
    if (made === undefined) return
    this.#made.delete(task)
    for (const { future, site } of made.dropped()) {
      this.#loop.callExceptionHandler({
        message:
          `${task.name} has ended and never awaited ${describeWait(future)}` +
          `${site === undefined ? '' : `, which it began at ${site}`}: add the missing await`,
        future,
        task,
      })
    }
  }
}

/** Whether a cancel of the open scope or task of `frame` is to end the next wait. */
function isDue(frame: Frame): boolean {
  return frame.state === OPEN && frame.cancellation?.isDue === true
}

interface FutureMade {
  readonly future: Future<unknown>
  readonly site: string | undefined
}

/**
 * The futures that a task has made and that no code has awaited yet. Each time the list has doubled in length, the
 * futures that were awaited in the meantime are removed.
 */
class FuturesMade {
  #futures: FutureMade[] = []
  #limit = 64

  add(future: Future<unknown>): void {
    this.#futures.push({ future, site: programFrames()[0] })
    if (this.#futures.length < this.#limit) return
    this.#futures = this.dropped()
    this.#limit = Math.max(64, 2 * this.#futures.length)
  }

  dropped(): FutureMade[] {
    return this.#futures.filter(({ future }) => future.isUnused() && future.ownExecution() === null)
  }
}

/**
 * Describes each wait of code in `frame` (the object for one scope or task) and in the scopes inside `frame`, with the
 * `file:line` of the `await` if this place is known.
 */
function waitsInside(frame: Frame): string[] {
  return framesOf(frame).flatMap((each) => {
    const waits: string[] = []
    each.peekWaits((key, future) => {
      const [site] = awaitSiteOf(key)
      waits.push(describeWait(future) + (site === undefined ? '' : ` at ${site}`))
    })
    return waits
  })
}

function list(waits: string[]): string {
  const shown = waits.slice(0, 5).join(', ')
  return waits.length > 5 ? `${shown} and ${waits.length - 5} more` : shown
}

function warn(message: string): void {
  process.emitWarning(message, 'TasktreeWarning')
}
