import type { ActorIncarnation } from './actor-incarnation.ts'
import type { ChildRef } from '../children/child-ref.ts'
import { NoProc } from '../errors.ts'
import { type ExitReason, noproc } from '../exit-reason.ts'
import { Envelope, internalKind } from '../messages/envelope.ts'
import type { LocalActorRef } from './local-actor-ref.ts'
import { Link } from './link.ts'
import { type Down, Monitor } from './monitor.ts'

/** The monitors and links of one incarnation. */
export class MonitorsAndLinks {
  readonly #incarnation: ActorIncarnation
  readonly #monitors = new Set<Monitor>()
  /** Maps each linked incarnation to its link. */
  readonly #links = new Map<ActorIncarnation, Link>()

  constructor(incarnation: ActorIncarnation) {
    this.#incarnation = incarnation
  }

  monitor(ref: ChildRef): Monitor {
    const monitor = new Monitor(this.#incarnation, ref, ref.pinnedTo !== 0)
    this.#monitors.add(monitor)
    ref.target.watch(monitor)
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
   * Links this incarnation to the running incarnation of the actor at `ref`. If there is none, throws NoProc. But if
   * this actor has set `ctx.trapExit`, its `onDown` is called instead.
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

  /** Puts a message in the mailbox that calls `onDown`, to tell that the linked actor at `ref` has ended. */
  deliverLinkEnd(ref: ChildRef, reason: ExitReason): void {
    const monitor = new Monitor(this.#incarnation, ref, true)
    this.deliver({ monitor, ref, reason, restarted: false, link: true })
  }

  forgetLink(other: ActorIncarnation): void {
    this.#links.delete(other)
  }

  /** Ends all monitors of this incarnation. */
  endMonitors(): void {
    for (const monitor of this.#monitors) monitor.end()
    this.#monitors.clear()
  }

  /** Tells the linked actors that this incarnation has ended. */
  breakLinks(reason: ExitReason): void {
    for (const link of this.#links.values()) link.broken(this.#incarnation, reason)
    this.#links.clear()
  }
}
