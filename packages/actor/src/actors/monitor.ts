import type { ActorIncarnation } from './actor-incarnation.ts'
import type { ChildRef } from '../children/child-ref.ts'
import type { ExitReason } from '../exit-reason.ts'
import type { Envelope } from '../messages/envelope.ts'

/** The argument of `onDown`. It tells which child has ended or was restarted. */
export interface Down {
  readonly monitor: Monitor
  readonly ref: ChildRef
  /** Why the child ended; for a restart, why the previous incarnation ended. */
  readonly reason: ExitReason
  /** True when the child was restarted: the monitor stays active. False when the child has ended for good. */
  readonly restarted: boolean
  /**
   * True if `onDown` is called because a linked actor has ended. Such calls are made only to an actor that has set
   * `ctx.trapExit`. False if `onDown` is called because of a monitored child.
   */
  readonly link: boolean
}

/**
 * A monitor of one child. It tells the actor that called `ctx.monitor` of each restart of the child, and once of the
 * end of the child.
 *
 * @example
 *     class Guard extends Actor {
 *       watch(ref: ChildRef): void {
 *         this.ctx.monitor(ref)
 *       }
 *       protected override onDown({ ref, reason }: Down): void {
 *         console.log(ref.name, reason.kind) // worker killed
 *       }
 *     }
 *     const guard = await spawn(Guard)
 *     const worker = await spawn(class extends Actor {}, [], { name: 'worker' })
 *     await guard.ask.watch(worker)
 *     await worker.kill()
 *     await sleep(5)
 *     await guard.stop()
 */
export class Monitor {
  readonly ref: ChildRef
  readonly #watcher: ActorIncarnation
  /** True if the monitor watches only one incarnation of the child; false if it watches all incarnations. */
  readonly pinned: boolean
  /**
   * @internal the messages that this monitor has put in the mailbox of the watching actor, and that were not handled
   * yet; each message calls `onDown`
   */
  readonly waiting: Set<Envelope> = new Set()
  #ended = false

  /** @internal use ctx.monitor(ref) */
  constructor(watcher: ActorIncarnation, ref: ChildRef, pinned: boolean) {
    this.#watcher = watcher
    this.ref = ref
    this.pinned = pinned
  }

  /** @internal called after each restart of the child */
  restarted(): void {
    if (this.pinned) return
    this.#deliver(true, this.ref.target.lastExit ?? { kind: 'noproc' })
  }

  /**
   * @internal called when the monitored child has ended for good. A monitor whose field `pinned` is true watches one
   * incarnation (one run) of the child only: then called when that run has ended, even if the child is restarted
   */
  down(reason: ExitReason): void {
    if (this.#ended) return
    this.#ended = true
    this.ref.target.unwatch(this)
    this.#watcher.parts.monitorsAndLinks().forgetMonitor(this)
    this.#deliver(false, reason)
  }

  #deliver(restarted: boolean, reason: ExitReason): void {
    const down: Down = { monitor: this, ref: this.ref, reason, restarted, link: false }
    this.#watcher.parts.monitorsAndLinks().deliver(down)
  }

  /** @internal ends the monitor without a call of `onDown` */
  end(): void {
    this.#ended = true
    this.ref.target.unwatch(this)
  }
}
