import { currentTask, Future } from '@tasktree/core'
import type { ChildSpec } from './child-spec.ts'
import type { ChildRef } from './child-ref.ts'
import { type ExitReason, noproc, shutdown } from '../exit-reason.ts'
import { currentIncarnation } from '../messages/handler-flow.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Monitor } from '../actors/monitor.ts'
import { EndWaits } from './end-waits.ts'
import { budgetOf, PatientWait, type Incarnation } from './incarnation.ts'

export type ChildKind = 'actor' | 'task' | 'supervisor' | 'resource' | 'dynamic'
export type ChildStatus =
  | 'starting'
  | 'running'
  | 'suspended'
  | 'stopping'
  | 'restarting'
  | 'stopped'

/**
 * The timeout of `ref.stop()` for a child with the option `shutdown: 'kill'`, in milliseconds, if the caller passes no
 * timeout. `ref.stop()` first asks the child to end, and kills it only after this time. When the supervisor stops such
 * a child, the supervisor kills it at once.
 */
const defaultStopTimeout = 5000

/**
 * The object to which a child belongs: usually a supervisor, or the UnsupervisedChildren of an actor. When the child has
 * ended, its owner decides whether the child is restarted.
 */
export interface Owner {
  readonly path: string
  /** The ref that children of this owner get as `ctx.parent`. */
  readonly ownRef: ChildRef | null
  /**
   * Called when `child`, which does not run, was asked to end. If the child waits for a restart, cancels that restart.
   */
  endRestart(child: Child, reason: ExitReason): void
  childExited(child: Child, incarnation: Incarnation, reason: ExitReason): void
}

/**
 * The part of a child that survives restarts: its id, its path, its ref, and its place under its owner (the supervisor
 * or actor that started it). Each run of the child, from a start or a restart to the next end, is an Incarnation. When
 * an incarnation ends, it calls the method `exited` of this class. That method ignores the end of an old incarnation,
 * which would otherwise cause a second restart.
 */
export abstract class Child {
  abstract readonly kind: ChildKind
  spec: ChildSpec
  /**
   * The supervisor or actor that has started this child. The owner changes when a supervisor is restarted: the new
   * incarnation (run) of the supervisor starts this child again, and becomes its owner.
   */
  owner: Owner
  readonly runtime: Runtime
  readonly path: string
  status: ChildStatus = 'stopped'
  incarnation: Incarnation | null = null
  /**
   * The number of the latest incarnation (run): 0 before the first start, and 1 more with each start, even if the start
   * fails.
   */
  number = 0
  restarts = 0
  /** True when the child is ending and will not be restarted. Then asks to the child fail. */
  closing = false
  /**
   * True when the child has ended, and this end causes no restart. The field is set to false if the child is started
   * again later: by `restartChild`, or by a restart of its supervisor or of its group (the children that are restarted
   * together).
   */
  closed = false
  lastExit: ExitReason | null = null
  /**
   * True while the child is stopped because its group (the children that are restarted together) is restarted. The same
   * restart starts the child again.
   */
  returning = false
  /** The number of restarts since the child last ran long enough to count as healthy. */
  consecutiveRestarts = 0
  /** When the latest incarnation (run) finished its start, in milliseconds of the event loop's clock. */
  startedAt = 0
  /**
   * True after `stop()` of a child that is not permanent. The child is then not restarted, even if it crashes or is
   * killed before it has ended.
   */
  stopRequested = false
  #ref: ChildRef | null = null
  #endWaits: EndWaits | null = null
  #monitors: Set<Monitor> | null = null
  /**
   * Functions that are called at the end of the running incarnation (run of the child). They remove the names and group
   * memberships that belong to this incarnation only.
   */
  #atExit: Set<() => void> | null = null
  /**
   * Functions that are called when the child ends for good. They remove the names and group memberships that are kept
   * when the child is restarted.
   */
  #atClose: Set<() => void> | null = null

  constructor(spec: ChildSpec, owner: Owner, runtime: Runtime) {
    this.spec = spec
    this.owner = owner
    this.runtime = runtime
    this.path = `${owner.path}/${spec.id}`
  }

  get id(): string {
    return this.spec.id
  }

  /** Returns the child of this child that has the id `_id`; null if there is none. */
  childWithId(_id: string): Child | null {
    return null
  }

  protected abstract makeRef(): ChildRef
  protected abstract makeIncarnation(number: number): Incarnation

  get ref(): ChildRef {
    this.#ref ??= this.makeRef()
    return this.#ref
  }

  /**
   * Starts a new incarnation (run of the child). Resolves when the incarnation runs, or does not want to run, for example
   * because it has called `ctx.ignore()`. Rejects when the start failed; by then the incarnation has ended.
   */
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

  /**
   * Called when `launch` has failed. If `incarnation` has not ended, stops the incarnation and waits for its end. This
   * is necessary if the caller of `launch` was cancelled in the same turn of the event loop in which the start
   * succeeded.
   */
  async #undoStart(incarnation: Incarnation): Promise<void> {
    if (incarnation.over) return
    incarnation.stopBy(shutdown, this.runtime.loop.time() + budgetOf(this))
    await incarnation
      .whenOverAtLast(new PatientWait(incarnation, () => false))
      // oxlint-disable-next-line @tasktree/no-swallowed-cancel -- this method is called because of a cancel
      .catch(() => {})
  }

  /**
   * Resets the count of consecutive restarts. If the supervisor has the option `backoff`, the next restart then waits
   * only as long as the first restart.
   */
  healthy(): void {
    this.consecutiveRestarts = 0
  }

  /** Called by the new incarnation (run of the child) when its start has succeeded. */
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

  /**
   * Called when `incarnation` (one run of the child) has ended. The child then has no running incarnation until its
   * owner starts the next one. If `incarnation` is an older run, and a newer one has begun, this method does nothing:
   * the end of the older run must not count as the end of the newer run.
   */
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

  /**
   * Keeps the function `undo`, which removes a name or group membership of this child, and calls it later. If code of
   * the running incarnation (run of the child) has asked for the name or membership, or if `ref` is pinned, `undo` is
   * called when that incarnation ends. Otherwise `undo` is called when the child ends for good. Returns a function that
   * forgets `undo`, because the name or membership was removed before.
   */
  undoLater(ref: ChildRef, undo: () => void): () => void {
    const undos =
      ref.pinnedTo !== 0 || this.#isCalledByItself()
        ? (this.#atExit ??= new Set())
        : (this.#atClose ??= new Set())
    undos.add(undo)
    return () => undos.delete(undo)
  }

  /**
   * Returns whether the calling code belongs to the running incarnation of this child. Always returns false for a
   * resource.
   */
  #isCalledByItself(): boolean {
    const { incarnation } = this
    if (incarnation === null) return false
    const { task } = incarnation
    return (task !== null && task === currentTask()) || incarnation === currentIncarnation()
  }

  /**
   * Marks the child as ended for good. Removes its names and group memberships, and informs its monitors and all
   * callers that wait for its end.
   */
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

  /**
   * If `pinned` is 0, returns a future that settles when the child has ended and will not be restarted. Otherwise
   * `pinned` is the number of an incarnation (run), and the returned future settles when that incarnation has ended. If
   * a later incarnation has started already, this future settles at once with the reason `noproc`.
   */
  whenStopped(pinned: number): Future<ExitReason> {
    if (pinned !== 0 && pinned !== this.number) return this.#settled(noproc)
    if (pinned !== 0) return this.incarnation?.readEnd() ?? this.#over()
    if (this.closed) return this.#over()
    this.#endWaits ??= new EndWaits()
    return this.#endWaits.read(this)
  }

  watch(monitor: Monitor): void {
    this.#monitors ??= new Set()
    this.#monitors.add(monitor)
  }

  unwatch(monitor: Monitor): void {
    this.#monitors?.delete(monitor)
  }

  /**
   * Asks the running incarnation (run of the child) to end. The running handlers of an actor finish first. If the
   * incarnation has not ended after `timeout` milliseconds, it is killed. The default of `timeout` is the child's
   * option `shutdown`, or 5000 if that option is 'kill'. The returned future settles when the incarnation has ended. If
   * no incarnation runs, the returned future is done. A child that is not permanent is not restarted after this call,
   * even if it crashes or is killed before it has ended.
   */
  stop(detail: unknown, options: { timeout?: number } | undefined): Future<ExitReason> {
    const reason: ExitReason = detail === undefined ? shutdown : { kind: 'shutdown', detail }
    const isFinal = this.spec.restart !== 'permanent'
    const { incarnation } = this
    if (incarnation === null && (!isFinal || this.closed)) return this.#over()
    if (isFinal) {
      this.stopRequested = true
      this.refuseAsks(reason)
    }
    if (incarnation === null) {
      this.owner.endRestart(this, reason)
      return this.#settled(reason)
    }
    incarnation.finish(reason)
    const { shutdown: budget } = this.spec
    const timeout = options?.timeout ?? (budget === 'kill' ? defaultStopTimeout : budget)
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

  /** Marks the child as ending for good. ActorChild overrides this method: the asks in the actor's mailbox fail too. */
  refuseAsks(_reason: ExitReason): void {
    this.closing = true
  }
}
