import type { TimerHandle } from '@tasktree/core'
import { checkOptions, describe } from '@tasktree/core/lowlevel'
import type { ActorChild } from './actor-child.ts'
import { type Envelope, internalEnvelope } from '../messages/envelope.ts'

export interface TimerOptions {
  /**
   * A name for the timer. If the actor already has a timer with the same key, that older timer is cancelled, and its
   * tick is removed from the mailbox.
   */
  key?: string
  /**
   * The moment from which `every` counts the time to the next tick. 'fixed-delay' counts from the moment at which the
   * actor begins to handle a tick. 'fixed-rate' counts from the moment at which the tick was due.
   * @defaultValue 'fixed-delay'
   */
  mode?: 'fixed-delay' | 'fixed-rate'
}

/**
 * A timer of one incarnation (run of an actor). Each tick is a message in the mailbox of the actor.
 *
 * @example
 *     class Alarm extends Actor {
 *       #timer: ActorTimer | null = null
 *       set(ms: number): void {
 *         this.#timer = this.ctx.after(ms, () => console.log('rings')) // rings
 *       }
 *       clear(): void {
 *         this.#timer?.cancel()
 *       }
 *     }
 *     const alarm = await spawn(Alarm)
 *     await alarm.ask.set(5)
 *     await sleep(50)
 *     await alarm.stop()
 */
export class ActorTimer implements Disposable {
  readonly #child: ActorChild
  readonly #owner: ActorTimers
  readonly key: string | null
  readonly #tick: () => unknown
  readonly #interval: number | null
  readonly #fixedRate: boolean
  #handle: TimerHandle | null = null
  #waiting: Envelope | null = null

  /** @internal use ctx.after and ctx.every */
  constructor(
    child: ActorChild,
    owner: ActorTimers,
    delay: number,
    tick: () => unknown,
    repeat: boolean,
    options: TimerOptions | undefined,
  ) {
    this.#child = child
    this.#owner = owner
    this.key = options?.key ?? null
    this.#tick = tick
    this.#interval = repeat ? delay : null
    this.#fixedRate = options?.mode === 'fixed-rate'
    this.#arm(child.runtime.loop.time() + delay)
  }

  /** True while the timer will tick again, or its last tick is still in the mailbox. */
  get active(): boolean {
    return this.#handle !== null || this.#waiting !== null
  }

  #arm(when: number): void {
    this.#handle = this.#child.runtime.loop.callAt(when, () => this.#strike(when))
  }

  #strike(when: number): void {
    this.#handle = null
    if (this.#interval !== null && this.#fixedRate) this.#arm(when + this.#interval)
    // This tick is left out, because the previous tick is still in the mailbox.
    if (this.#waiting !== null) return
    const name = this.key === null ? 'timer' : `timer ${this.key}`
    const envelope = internalEnvelope(name, () => {
      this.#waiting = null
      if (this.#interval === null) this.#owner.forget(this)
      else if (!this.#fixedRate) this.#arm(this.#child.runtime.loop.time() + this.#interval)
      return this.#tick()
    })
    this.#waiting = envelope
    this.#child.push(envelope)
  }

  /** Ends the timer. If a tick of the timer is still in the mailbox, the tick is removed. */
  cancel(): void {
    this.#handle?.cancel()
    this.#handle = null
    if (this.#waiting !== null) this.#child.mailbox.remove(this.#waiting)
    this.#waiting = null
    this.#owner.forget(this)
  }

  [Symbol.dispose](): void {
    this.cancel()
  }
}

/** The timers of one incarnation (run of an actor). */
export class ActorTimers {
  readonly #child: ActorChild
  readonly #all = new Set<ActorTimer>()
  readonly #keyed = new Map<string, ActorTimer>()

  constructor(child: ActorChild) {
    this.#child = child
  }

  start(
    delay: number,
    tick: () => unknown,
    repeat: boolean,
    options: TimerOptions | undefined,
  ): ActorTimer {
    if (typeof delay !== 'number' || Number.isNaN(delay)) {
      throw new TypeError(`the delay must be a number of milliseconds, got ${describe(delay)}`)
    }
    if (repeat && delay <= 0) {
      throw new RangeError(`the interval must be more than 0 ms, got ${delay}`)
    }
    if (typeof tick !== 'function') {
      throw new TypeError(`a timer needs a function, got ${describe(tick)}`)
    }
    checkOptions(options)
    const mode = options?.mode
    if (mode !== undefined && mode !== 'fixed-delay' && mode !== 'fixed-rate') {
      throw new TypeError(`mode must be fixed-delay or fixed-rate, got ${describe(mode)}`)
    }
    const key = options?.key
    if (key !== undefined) this.#keyed.get(key)?.cancel()
    const timer = new ActorTimer(this.#child, this, Math.max(delay, 0), tick, repeat, options)
    this.#all.add(timer)
    if (key !== undefined) this.#keyed.set(key, timer)
    return timer
  }

  forget(timer: ActorTimer): void {
    this.#all.delete(timer)
    if (timer.key !== null && this.#keyed.get(timer.key) === timer) this.#keyed.delete(timer.key)
  }

  cancelAll(): void {
    for (const timer of this.#all) timer.cancel()
  }
}
