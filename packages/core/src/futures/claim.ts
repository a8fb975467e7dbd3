import type { CancelledError } from '../errors/errors.ts'
import { Future } from './future.ts'
import type { Runnable } from '../loop/ready-queue.ts'
import type { Reaction } from './reaction.ts'

/**
 * A claim is a future that code awaits to get a resource, such as a lock or an item of a queue. Locks, queues and other
 * primitives extend this class.
 *
 * When the resource is free, the primitive calls `wake()` of the claim that is to get it. `wake()` only puts the claim
 * into the ready queue, the list of the things that the loop runs one after another. When the loop comes to the claim,
 * the loop calls `run()`. Only then does the claim take the resource (by `claim()`), and the waiting code resumes at
 * once. If the waiting task was cancelled in the meantime, `run()` leaves the resource to the next waiter instead (by
 * `decline()`). But the cancel of a `cancelScope` does not count here: the claim takes the resource, and the next wait
 * of the code throws. Between `wake()` and `run()`, no waiter has the resource. So if a release and a cancel come at
 * the same moment, the resource is neither lost nor given to two waiters.
 *
 * Between `wake()` and `run()`, if a wait of one task is all that waits for the claim, `cancel()` changes nothing and
 * returns false. False tells the cancelled task, which has called `cancel()`, to remember the cancel; `run()` then finds
 * the cancel in the task. If other code waits for the claim too, or has added a callback, `cancel()` cancels the claim
 * at once, and `run()` calls `decline()`.
 */
export abstract class Claim<T> extends Future<T> implements Runnable {
  /**
   * @internal The bundler renames a class that refers to itself to `_Claim`; this property keeps the name that users
   * see.
   */
  static override readonly name: string = 'Claim'

  #woken = false

  /**
   * Lets this future take its resource (a lock, an item of a queue) soon: puts this future in the ready queue of its
   * loop, the list of the things that the loop runs one after another. Returns false if this future is in the queue
   * already, is done, or belongs to a closed loop. The caller can then wake the next waiter.
   */
  wake(): boolean {
    const loop = this.getLoop()
    if (this.#woken || this.done() || loop.isClosed()) return false
    loop.push(this.woken())
    return true
  }

  /**
   * @internal called if the loop is closed while this future is in the ready queue of the loop: leaves the resource (a
   * lock, an item of a queue) to the next waiter
   */
  dropped(): void {
    this.#woken = false
    this.decline()
  }

  /**
   * Whether `wake()` has put this future in the ready queue of its loop, and the loop has not come to this future yet.
   */
  isWoken(): boolean {
    return this.#woken
  }

  /**
   * Returns a text that describes this future, such as "Lock #3, held by Task-2"; by default the name of the class. The
   * task tree and DeadlockError show this text for a task that awaits this future. This method must not throw.
   */
  override describeWait(): string {
    return super.describeWait()
  }

  /**
   * Whether this future is pending and no code awaits it. If true when the task that made this future ends, debug mode
   * reports a missing `await`. A primitive that keeps such a future to itself, and gives it to no caller, must override
   * this method to return false. This method must not throw.
   */
  override isUnused(): boolean {
    return super.isUnused()
  }

  /**
   * @internal whether code that awaits this future may stop waiting while this future stays pending. False after
   * `wake()`, because this future will then take a lock or an item for that code. Still true after `wake()` if there is
   * nothing to take.
   */
  override canBeLeft(): boolean {
    return !this.#woken || this.takesNothing()
  }

  /**
   * @internal whether this future takes no resource, such as a lock or an item. An example is the future of `sleep(0)`,
   * which only lets other tasks and I/O run. If code stops waiting for such a future, nothing is lost.
   */
  takesNothing(): boolean {
    return false
  }

  /**
   * Called when the loop comes to this future after `wake()`. An implementation must take the resource (a lock, an item
   * of a queue) and end this future. If the resource is taken already, an implementation must leave this future
   * pending, and add it again to the list of waiters of the lock, queue or the like.
   */
  protected abstract claim(): void

  /**
   * Called instead of `claim()` if, after `wake()`, this future has ended, the waiting code was cancelled, or the loop was
   * closed. An implementation must leave the resource (a lock, an item of a queue) to the next waiter.
   */
  protected abstract decline(): void

  /**
   * Cancels this future. Returns false if this future is done already. Also returns false, and changes nothing, between
   * `wake()` and `run()` if a wait of one task is all that waits for this future. If the cancel is that of a task or of
   * a scope such as `timeout`, this task or scope must then remember the cancel; `run()` finds it there, and leaves the
   * resource to the next waiter. A `cancelScope` does not remember it, and `run()` takes the resource.
   */
  override cancel(msg?: string | CancelledError): boolean {
    if (this.#woken && this.soleReaction()?.waitingFrame?.task != null) return false
    return super.cancel(msg)
  }

  /**
   * @internal makes `isWoken()` true, and returns this future; the caller must put it in the ready queue of the loop
   */
  protected woken(): this {
    this.#woken = true
    return this
  }

  /**
   * Whether this claim is woken and each code that waits for it was cancelled meanwhile. If so, `run()` will leave the
   * resource to the next waiter.
   */
  willDecline(): boolean {
    if (!this.#woken) return false
    const waits = this.listReactions().filter(isWait)
    return waits.length > 0 && !waits.some(mayTake)
  }

  /** @internal */
  label(): string {
    const sole = this.soleReaction()
    return sole?.waitingFrame == null ? this.constructor.name : sole.label()
  }

  /** @internal */
  run(): void {
    this.#woken = false
    if (this.done()) {
      this.decline()
      return
    }
    const sole = this.soleReaction()
    if (sole === null) Claim.#runForMany(this)
    else if (!mayTake(sole)) {
      this.decline()
      this.removeReaction(sole)
      // `sole.run()` resumes the waiting code. A generator coroutine runs inside this call, and must find this future
      // done.
      this.endCancelled(sole.waitingFrame?.cancelMessageAt(sole))
      sole.run()
    } else {
      this.removeReaction(sole)
      this.claim()
      // The waiting code resumes at once, as a coroutine of asyncio does, and is not put in the ready queue again.
      if (this.done()) sole.run()
      else {
        this.react(sole)
        // While this future was in the ready queue, the cancel of a `cancelScope` could not end the wait for this
        // future. This future has taken nothing, so a cancel that has come in the meantime can end the wait now.
        sole.waitingFrame?.endWaitInCancelledScope(sole, this)
      }
    }
  }

  /**
   * Does the work of `run()` unless exactly one piece of code waits for `future`: calls `claim()`, which takes the
   * resource (a lock, an item of a queue) and ends `future`. If `claim()` has ended `future`, one of the waiting scopes
   * and tasks resumes at once, because a cancel before it resumes would lose the resource. All other code follows when
   * the loop comes to it in the ready queue. If `claim()` has not ended `future`, all go on waiting. If each waiting
   * scope or task was cancelled, `future` ends as cancelled.
   */
  static #runForMany(future: Claim<unknown>): void {
    const reactions = future.takeReactions()
    const waits = reactions.filter(isWait)
    let first = waits.find(mayTake)
    if (first === undefined && waits.length > 0) {
      future.decline()
      first = waits[0]
      future.endCancelled(first?.waitingFrame?.cancelMessageAt(first))
    } else {
      future.claim()
      if (!future.done()) {
        for (const reaction of reactions) future.react(reaction)
        // As in `run()`, a cancel of a `cancelScope` that has come in the meantime can end the waits now.
        for (const each of waits) each.waitingFrame?.endWaitInCancelledScope(each, future)
        return
      }
      first ??= reactions[0]
    }
    for (const reaction of reactions) if (reaction !== first) future.getLoop().push(reaction)
    first?.run()
  }
}

/** Whether `reaction` resumes code of a scope or task. Any other reaction is a callback, or resumes plain code. */
function isWait(reaction: Reaction): boolean {
  return reaction.waitingFrame !== null
}

/**
 * Whether a claim may take its resource for the code that `reaction` resumes. False if this code gets a CancelledError
 * when it resumes: the resource would then be lost.
 */
function mayTake(reaction: Reaction): boolean {
  return reaction.waitingFrame?.mustCancelAt(reaction) !== true
}
