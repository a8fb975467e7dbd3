import type { ActorIncarnation } from './actor-incarnation.ts'
import type { ChildRef } from '../children/child-ref.ts'
import { NoProc } from '../errors.ts'
import type { ExitReason } from '../exit-reason.ts'
import { type Down, DownEnvelope, Link, Monitor } from './monitor.ts'

/** The monitors and links of one incarnation. */
export class Relations {
  readonly #incarnation: ActorIncarnation
  readonly #monitors = new Set<Monitor>()
  readonly #links = new Set<Link>()

  constructor(incarnation: ActorIncarnation) {
    this.#incarnation = incarnation
  }

  monitor(ref: ChildRef, pinned: boolean): Monitor {
    const monitor = new Monitor(this.#incarnation, ref, pinned)
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
    const { mailbox } = this.#incarnation.child
    const queued = mailbox.find((e) => e instanceof DownEnvelope && e.down.monitor === monitor)
    if (queued !== null) mailbox.remove(queued)
  }

  deliver(down: Down): void {
    const { child } = this.#incarnation
    const envelope = new DownEnvelope(down, () => {
      const hooks = this.#incarnation.hooks()
      if (hooks?.onDown !== undefined) return hooks.onDown(down)
      child.runtime.deadLetter(child.path, envelope, 'unhandled-down')
      return undefined
    })
    child.push(envelope)
  }

  /** @throws {NoProc} */
  link(other: ActorIncarnation | null, path: string): void {
    if (other === null || other.over) throw new NoProc(path)
    if (other === this.#incarnation || this.#linkTo(other) !== undefined) return
    const link = new Link(this.#incarnation, other)
    this.#links.add(link)
    other.relations().#links.add(link)
  }

  forgetLink(link: Link): void {
    this.#links.delete(link)
  }

  #linkTo(other: ActorIncarnation): Link | undefined {
    for (const link of this.#links) if (link.connects(this.#incarnation, other)) return link
    return undefined
  }

  /** Ends all its monitors. */
  endMonitors(): void {
    for (const monitor of this.#monitors) monitor.end()
    this.#monitors.clear()
  }

  /** Tells the linked actors that this incarnation has ended. */
  breakLinks(reason: ExitReason): void {
    for (const link of this.#links) link.broken(this.#incarnation, reason)
    this.#links.clear()
  }
}
