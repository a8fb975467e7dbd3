import type { ActorIncarnation } from './actor-incarnation.ts'
import type { ChildRef } from '../children/child-ref.ts'
import type { ExitReason } from '../exit-reason.ts'
import { isAbnormal } from '../exit-reason.ts'
import { LinkDied } from '../errors.ts'
import type { Envelope } from '../messages/envelope.ts'
import type { Incarnation } from '../children/incarnation.ts'

/** What `onDown` is told. */
export interface Down {
  readonly monitor: Monitor
  readonly ref: ChildRef
  /** Why it ended; for a restart, why the incarnation before ended. */
  readonly reason: ExitReason
  /** It was started again, and the monitor goes on. */
  readonly restarted: boolean
  /** The end of a linked actor, told because `trapExit` is set. */
  readonly link: boolean
}

/** A watch of one child. It tells of each restart, and of the end exactly once. */
export class Monitor {
  readonly ref: ChildRef
  readonly #watcher: ActorIncarnation
  /** It watches one incarnation only. */
  readonly pinned: boolean
  /** @internal what it has told that waits in the mailbox */
  readonly waiting: Set<Envelope> = new Set()
  #ended = false

  /** @internal use ctx.monitor(ref) */
  constructor(watcher: ActorIncarnation, ref: ChildRef, pinned: boolean) {
    this.#watcher = watcher
    this.ref = ref
    this.pinned = pinned
  }

  /** @internal */
  restarted(): void {
    if (this.pinned) return
    this.#deliver(true, this.ref.target.lastExit ?? { kind: 'noproc' })
  }

  /** @internal */
  down(reason: ExitReason): void {
    if (this.#ended) return
    this.#ended = true
    this.ref.target.unwatch(this)
    this.#watcher.relations().forgetMonitor(this)
    this.#deliver(false, reason)
  }

  #deliver(restarted: boolean, reason: ExitReason): void {
    const down: Down = { monitor: this, ref: this.ref, reason, restarted, link: false }
    this.#watcher.relations().deliver(down)
  }

  /** @internal */
  end(): void {
    this.#ended = true
    this.ref.target.unwatch(this)
  }
}

/** Connects two incarnations. If one ends abnormally, so does the other. */
export class Link {
  readonly #ends: readonly [ActorIncarnation, ActorIncarnation]

  constructor(one: ActorIncarnation, other: ActorIncarnation) {
    this.#ends = [one, other]
  }

  /** `incarnation` has ended. */
  broken(incarnation: Incarnation, reason: ExitReason): void {
    const [one, other] = this.#ends
    const survivor = incarnation === one ? other : one
    survivor.relations().forgetLink(one === survivor ? other : one)
    if (survivor.over) return
    const { ref } = incarnation.child
    if (survivor.trapExit) {
      survivor.relations().deliver({
        monitor: new Monitor(survivor, ref, true),
        ref,
        reason,
        restarted: false,
        link: true,
      })
    } else if (isAbnormal(reason)) {
      survivor.interrupt({ kind: 'error', error: new LinkDied(ref, reason) })
    }
  }
}
