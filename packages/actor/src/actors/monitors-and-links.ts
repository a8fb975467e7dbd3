import type { ActorIncarnation } from './actor-incarnation.ts'
import type { ChildRef } from '../children/child-ref.ts'
import { NoProc } from '../errors.ts'
import { type ExitReason, noproc } from '../exit-reason.ts'
import { Envelope, internalKind } from '../messages/envelope.ts'
import type { LocalActorRef } from './local-actor-ref.ts'
import { Link } from './linked-pair.ts'
import { type Down, Monitor } from './monitor.ts'

/**
 * The monitors and links of one incarnation (run of an actor): which children it monitors, and to which actors it is
 * linked.
 */
export class MonitorsAndLinks {
  readonly #incarnation: ActorIncarnation
  readonly #monitors = new Set<Monitor>()
  /** The links of this incarnation. Each key is the incarnation of another actor to which the link leads. */
  readonly #links = new Map<ActorIncarnation, Link>()

  constructor(incarnation: ActorIncarnation) {
    this.#incarnation = incarnation
  }

  monitor(ref: ChildRef): Monitor {
    const monitor = new Monitor(this.#incarnation, ref, ref.pinnedTo !== 0)
    this.#monitors.add(monitor)
    if (ref.target.closed || ref.isStale) monitor.down(noproc)
    else ref.target.watch(monitor)
    return monitor
  }

  forgetMonitor(monitor: Monitor): void {
    this.#monitors.delete(monitor)
  }

  demonitor(monitor: Monitor, flush: boolean): void {
    monitor.end()
    this.#monitors.delete(monitor)
    if (!flush) return
    for (const envelope of monitor.waiting) this.#incarnation.child.mailbox.remove(envelope)
    monitor.waiting.clear()
  }

  deliver(down: Down): void {
    const { child } = this.#incarnation
    const { waiting } = down.monitor
    const envelope = new Envelope(internalKind('onDown'), [down], null, () => {
      waiting.delete(envelope)
      const hooks = this.#incarnation.hooks()
      if (hooks?.onDown !== undefined) return hooks.onDown(down)
      child.runtime.deadLetter(child.path, envelope, 'unhandled-down')
      return undefined
    })
    waiting.add(envelope)
    child.push(envelope)
  }

  /**
   * Links this incarnation to the running incarnation of the actor at `ref`. If the actor at `ref` does not run, throws
   * NoProc. But if the actor of this incarnation has set `ctx.trapExit`, does not throw, and calls `onDown` of the
   * actor of this incarnation.
   */
  link(ref: LocalActorRef<never> | LocalActorRef): void {
    const other = ref.isStale ? null : ref.target.incarnation
    if (other === null || other.over) {
      if (!this.#incarnation.trapExit) throw new NoProc(ref.path)
      this.deliverLinkEnd(ref, noproc)
      return
    }
    if (other === this.#incarnation || this.#links.has(other)) return
    const link = new Link(this.#incarnation, other)
    this.#links.set(other, link)
    other.parts.monitorsAndLinks().#links.set(this.#incarnation, link)
  }

  /**
   * Called when the link of this incarnation to the actor at `ref` is over or cannot be made, because that actor has
   * ended or does not run. Puts a message in the mailbox of this incarnation's actor. When the message is handled, the
   * hook `onDown` is called.
   */
  deliverLinkEnd(ref: ChildRef, reason: ExitReason): void {
    const monitor = new Monitor(this.#incarnation, ref, true)
    this.deliver({ monitor, ref, reason, restarted: false, link: true })
  }

  forgetLink(other: ActorIncarnation): void {
    this.#links.delete(other)
  }

  /** Ends all monitors that this incarnation has made. The monitors that watch this incarnation are not ended. */
  endMonitors(): void {
    for (const monitor of this.#monitors) monitor.end()
    this.#monitors.clear()
  }

  /**
   * Tells the linked incarnations (runs of other actors) that this incarnation has ended with `reason`. If the actor of
   * a linked incarnation has set `ctx.trapExit`, its `onDown` is called. Otherwise the linked incarnation ends too, if
   * `reason` is abnormal.
   */
  breakLinks(reason: ExitReason): void {
    for (const link of this.#links.values()) link.broken(this.#incarnation, reason)
    this.#links.clear()
  }
}
