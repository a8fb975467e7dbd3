import { currentTask, Future } from '@tasktree/core'
import type { ChildSpec } from './child-spec.ts'
import type { ChildRef } from './child-ref.ts'
import { type ExitReason, isAbnormal, noproc, shutdown } from '../exit-reason.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Monitor } from '../actors/monitor.ts'
import { EndWaits } from './end-wait.ts'
import { budgetOf, PatientWait, type Incarnation } from './incarnation.ts'

export type ChildKind = 'actor' | 'task' | 'supervisor' | 'resource' | 'dynamic'
export type ChildStatus =
  | 'starting'
  | 'running'
  | 'suspended'
  | 'stopping'
  | 'restarting'
  | 'stopped'

/** What `ref.stop()` gives a child whose supervisor would kill it at once, in milliseconds. */
const defaultBudget = 5000

/** The supervisor or actor that started a child. It decides what follows when the child ends. */
export interface Owner {
  readonly path: string
  /** What `ctx.parent` gives its children. */
  readonly ownRef: ChildRef | null
  /** The child was asked to end while it waits for its restart: it is not started again. */
  endRestart(child: Child, reason: ExitReason): void
  childExited(child: Child, incarnation: Incarnation, reason: ExitReason): void
}

/**
 * A child: a place under its owner, which stays the same across incarnations. The end of an incarnation counts only while
 * it is the child's current incarnation. Otherwise a late end would cause a second restart.
 */
export abstract class Child {
  abstract readonly kind: ChildKind
  spec: ChildSpec
  /** Another incarnation of the supervisor, after the supervisor itself was restarted. */
  owner: Owner
  readonly runtime: Runtime
  readonly path: string
  status: ChildStatus = 'stopped'
  incarnation: Incarnation | null = null
  /** The number of the latest incarnation; 0 before the first. */
  number = 0
  restarts = 0
  /** It is ending and will not be started again: asks are refused. */
  closing = false
  /** It has ended for good, or was not started. */
  closed = false
  lastExit: ExitReason | null = null
  /** It is stopped for the restart of its group, which starts it again. */
  returning = false
  /** How many restarts it has had since it last ran for long enough to count as healthy. */
  consecutiveRestarts = 0
  /** When the latest incarnation came up, on the loop's clock. */
  startedAt = 0
  /** Somebody has asked it to end for good; the next start takes that back. */
  stopRequested = false
  #ref: ChildRef | null = null
  #endWaits: EndWaits | null = null
  #monitors: Set<Monitor> | null = null
  /** Undone when the incarnation ends: names and groups. */
  #atExit: (() => void)[] | null = null
  /** Undone when the child closes. */
  #atClose: (() => void)[] | null = null

  constructor(spec: ChildSpec, owner: Owner, runtime: Runtime) {
    this.spec = spec
    this.owner = owner
    this.runtime = runtime
    this.path = `${owner.path}/${spec.id}`
  }

  get id(): string {
    return this.spec.id
  }

  protected abstract makeRef(): ChildRef
  protected abstract makeIncarnation(number: number): Incarnation

  get ref(): ChildRef {
    this.#ref ??= this.makeRef()
    return this.#ref
  }

  /** Starts an incarnation. Settles when it runs or has called `ctx.ignore()`. Rejects when it failed to start; then nothing of it remains. */
  async launch(): Promise<'running' | 'ignored'> {
    this.status = 'starting'
    this.closing = false
    this.closed = false
    this.returning = false
    this.stopRequested = false
    const incarnation = this.makeIncarnation(this.number + 1)
    this.number++
    this.incarnation = incarnation
    const { startTimeout } = this.spec
    if (startTimeout !== undefined && startTimeout !== Infinity)
      incarnation.limitStart(startTimeout)
    try {
      const outcome = await incarnation.launch()
      if (outcome === 'ignored') {
        this.status = 'stopped'
        return outcome
      }
    } catch (error) {
      await this.#undoStart(incarnation)
      this.status = 'stopped'
      if (this.runtime.observed) this.#emit('start-failed', error)
      throw error
    }
    return 'running'
  }

  /** Stops an incarnation that came up in the same turn in which the wait for its start was cancelled. */
  async #undoStart(incarnation: Incarnation): Promise<void> {
    if (incarnation.over) return
    incarnation.stopBy(shutdown, this.runtime.loop.time() + budgetOf(this))
    await incarnation
      .whenOverAtLast(new PatientWait(this.runtime.loop, () => false))
      .catch(() => {})
  }

  /** Its next restart counts as the first. */
  healthy(): void {
    this.consecutiveRestarts = 0
  }

  /** The incarnation has come up. */
  running(): void {
    this.status = 'running'
    this.startedAt = this.runtime.loop.time()
    if (this.runtime.observed) this.#emit('started')
    if (this.#monitors !== null && this.number > 1) {
      for (const monitor of this.#monitors) monitor.restarted()
    }
  }

  #emit(type: 'started' | 'start-failed', error?: unknown): void {
    const { path, id, number: incarnation } = this
    if (type === 'started') this.runtime.emit({ type, path, id, incarnation })
    else this.runtime.emit({ type, path, id, incarnation, error })
  }

  /** The incarnation is over. */
  exited(incarnation: Incarnation, reason: ExitReason): void {
    if (this.incarnation !== incarnation) return
    this.incarnation = null
    this.lastExit = reason
    this.status = 'stopped'
    this.#undo()
    if (this.runtime.observed) {
      const { path, id } = this
      this.runtime.emit({ type: 'exited', path, id, incarnation: incarnation.number, reason })
    }
    if (this.#monitors !== null) {
      for (const monitor of this.#monitors) if (monitor.pinned) monitor.down(reason)
    }
  }

  #undo(): void {
    const undo = this.#atExit
    this.#atExit = null
    if (undo !== null) for (const each of undo) each()
  }

  /** Undoes a registration: at the end of the incarnation when the child itself made it, and otherwise when the child closes. */
  undoLater(undo: () => void): void {
    const own = this.incarnation !== null && this.incarnation.task === currentTask()
    if (own) (this.#atExit ??= []).push(undo)
    else (this.#atClose ??= []).push(undo)
  }

  /** It has ended, and its owner does not start it again. */
  close(reason: ExitReason): void {
    if (this.closed) return
    this.closed = true
    this.returning = false
    this.closing = false
    this.status = 'stopped'
    this.lastExit ??= reason
    this.#undo()
    const undo = this.#atClose
    this.#atClose = null
    if (undo !== null) for (const each of undo) each()
    const monitors = this.#monitors
    this.#monitors = null
    if (monitors !== null) for (const monitor of monitors) monitor.down(reason)
    this.#endWaits?.settle(reason)
    this.#endWaits = null
  }

  /** Settles when it has ended and is not started again. */
  get whenStopped(): Future<ExitReason> {
    if (this.closed) return this.#over()
    this.#endWaits ??= new EndWaits()
    return this.#endWaits.read(this)
  }

  watch(monitor: Monitor): void {
    if (this.closed) {
      monitor.down(noproc)
      return
    }
    this.#monitors ??= new Set()
    this.#monitors.add(monitor)
  }

  unwatch(monitor: Monitor): void {
    this.#monitors?.delete(monitor)
  }

  /** Whether its owner starts it again after such an end. */
  restartsAfter(reason: ExitReason): boolean {
    if (this.returning) return true
    const { restart } = this.spec
    return restart === 'permanent' || (restart === 'transient' && isAbnormal(reason))
  }

  /**
   * Asks it to end. Its handlers finish first, for at most `timeout` milliseconds: by default as long as its supervisor
   * would wait.
   */
  stop(detail: unknown, options: { timeout?: number } | undefined): Future<ExitReason> {
    const reason: ExitReason = detail === undefined ? shutdown : { kind: 'shutdown', detail }
    const isFinal = this.spec.restart !== 'permanent'
    const { incarnation } = this
    if (incarnation === null) {
      if (!isFinal || this.closed) return this.#over()
      this.owner.endRestart(this, reason)
      return this.#settled(reason)
    }
    this.stopRequested ||= isFinal
    if (!this.restartsAfter(reason)) this.refuseAsks(reason)
    incarnation.finish(reason)
    const { shutdown: budget } = this.spec
    const timeout = options?.timeout ?? (budget === 'kill' ? defaultBudget : budget)
    incarnation.killAt(this.runtime.loop.time() + timeout)
    return incarnation.whenOver()
  }

  kill(): Future<ExitReason> {
    const { incarnation } = this
    if (incarnation === null) return this.#over()
    incarnation.kill()
    return incarnation.whenOver()
  }

  #over(): Future<ExitReason> {
    return this.#settled(this.lastExit ?? noproc)
  }

  #settled(reason: ExitReason): Future<ExitReason> {
    const settled = new Future<ExitReason>({ loop: this.runtime.loop })
    settled.setResult(reason)
    return settled
  }

  /** It is going to end for good, so asks to it fail at once. */
  refuseAsks(_reason: ExitReason): void {
    this.closing = true
  }
}
