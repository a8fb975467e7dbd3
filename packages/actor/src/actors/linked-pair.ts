import type { Incarnation } from '../children/incarnation.ts'
import { LinkDied } from '../errors.ts'
import { type ExitReason, isAbnormal } from '../exit-reason.ts'
import type { ActorIncarnation } from './actor-incarnation.ts'

/**
 * A link between two incarnations (runs of two actors). When one of the two ends abnormally, the other incarnation ends
 * too, unless the actor of that other incarnation has set `ctx.trapExit`.
 */
export class Link {
  readonly #ends: readonly [ActorIncarnation, ActorIncarnation]

  constructor(one: ActorIncarnation, other: ActorIncarnation) {
    this.#ends = [one, other]
  }

  /**
   * Called when `incarnation`, one of the two linked incarnations, has ended. If the actor of the other incarnation has
   * set `ctx.trapExit`, `onDown` of that actor is called. Otherwise the other incarnation ends too, if `reason` is
   * abnormal.
   */
  broken(incarnation: Incarnation, reason: ExitReason): void {
    const [one, other] = this.#ends
    const survivor = incarnation === one ? other : one
    survivor.parts.monitorsAndLinks().forgetLink(one === survivor ? other : one)
    if (survivor.over) return
    const { ref } = incarnation.child
    if (survivor.trapExit) {
      survivor.parts.monitorsAndLinks().deliverLinkEnd(ref, reason)
    } else if (isAbnormal(reason)) {
      survivor.interrupt({ kind: 'error', error: new LinkDied(ref, reason) })
    }
  }
}
