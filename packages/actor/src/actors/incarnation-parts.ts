import { UnsupervisedChildren } from '../children/unsupervised-children.ts'
import type { ExitReason } from '../exit-reason.ts'
import type { Envelope } from '../messages/envelope.ts'
import type { ActorIncarnation } from './actor-incarnation.ts'
import { StashAndReplies } from './stash-and-replies.ts'
import { Pipes } from './pipes.ts'
import { MonitorsAndLinks } from './monitors-and-links.ts'
import { ActorTimers } from './timers.ts'

/**
 * The parts of an incarnation (run of an actor) that most actors do not need: timers, monitors, links, children,
 * stashed messages, the promises that were passed to `ctx.pipe()`, and the messages that are answered later with a
 * ReplyPort. Each part is made when the actor first uses it, and ends with the incarnation.
 */
export class IncarnationParts {
  readonly #incarnation: ActorIncarnation
  #children: UnsupervisedChildren | null = null
  #timers: ActorTimers | null = null
  #stashAndReplies: StashAndReplies | null = null
  #pipes: Pipes | null = null
  #monitorsAndLinks: MonitorsAndLinks | null = null
  #isReleased = false

  constructor(incarnation: ActorIncarnation) {
    this.#incarnation = incarnation
  }

  /** The children that this incarnation has started; null before the first of them. */
  get ownChildren(): UnsupervisedChildren | null {
    return this.#children
  }

  /** The number of messages in the stash. */
  get stashed(): number {
    return this.#stashAndReplies?.stashed ?? 0
  }

  /** The number of messages that still need an answer through a ReplyPort, the object that `ctx.reply()` returns. */
  get unanswered(): number {
    return this.#stashAndReplies?.ports.size ?? 0
  }

  children(): UnsupervisedChildren {
    if (this.#children === null) {
      const { path, ref, runtime } = this.#incarnation.child
      this.#children = new UnsupervisedChildren(path, ref, runtime)
      // After `release()`, the children are stopped once, and then `onStop` runs. A child that is started now would
      // never be stopped, so its start must fail.
      if (this.#isReleased) this.#children.close()
    }
    return this.#children
  }

  timers(): ActorTimers {
    this.#timers ??= new ActorTimers(this.#incarnation.child)
    return this.#timers
  }

  monitorsAndLinks(): MonitorsAndLinks {
    this.#monitorsAndLinks ??= new MonitorsAndLinks(this.#incarnation)
    return this.#monitorsAndLinks
  }

  pipes(): Pipes {
    const { child } = this.#incarnation
    this.#pipes ??= new Pipes((envelope) => child.push(envelope))
    return this.#pipes
  }

  /**
   * The messages that this incarnation (run of the actor) has stashed with `ctx.stash()`, or still has to answer
   * through a ReplyPort. The object is made when this method is first called.
   */
  stashAndReplies(): StashAndReplies {
    this.#stashAndReplies ??= new StashAndReplies(this.#incarnation)
    return this.#stashAndReplies
  }

  forgetStashed(envelope: Envelope): void {
    this.#stashAndReplies?.forgetStashed(envelope)
  }

  failPorts(reason: ExitReason): void {
    this.#stashAndReplies?.failPorts(reason)
  }

  /**
   * Cancels the timers and the promises that were passed to `ctx.pipe()`. Called before `onStop` runs, and again after
   * it, because `onStop` may have made others. The first caller then stops the children and awaits their end.
   */
  release(): void {
    this.#isReleased = true
    this.#timers?.cancelAll()
    this.#pipes?.cancelAll()
  }

  /**
   * Called at the end of the incarnation, after `onStop`. Ends all parts except the links. The links end later, by
   * `breakLinks`, because a broken link may end other incarnations: the supervisor learns of the end of this
   * incarnation first.
   */
  end(): void {
    this.release()
    this.#monitorsAndLinks?.endMonitors()
    this.#stashAndReplies?.unstashAll()
    // Remove the ticks of timers, the results of `ctx.pipe()`, and the messages about monitored children from the
    // mailbox. These messages were meant for this incarnation, and the next incarnation must not get them.
    this.#incarnation.child.mailbox.dropInternal()
  }

  breakLinks(reason: ExitReason): void {
    this.#monitorsAndLinks?.breakLinks(reason)
  }
}
