import { Future, isCancelled, type Task } from '@tasktree/core'
import { createServiceTask, observe } from '@tasktree/core/lowlevel'
import type { ChildRef } from '../children/child-ref.ts'
import type { ChildSpec, SupervisorOptions } from '../children/child-spec.ts'
import { checkChildren } from '../children/check-spec.ts'
import { FailedToStart, SupervisorStopping } from '../errors.ts'
import { type ExitReason, failure, killed, normal, shutdown } from '../exit-reason.ts'
import { makeChild } from '../children/child-kinds.ts'
import { Member } from './member.ts'
import { Request, type Retreat } from './cancellable-request.ts'
import { type Operation, OperationQueue } from './operation-queue.ts'
import { Restarts } from './restarts.ts'
import { PatientWait, Incarnation } from '../children/incarnation.ts'
import type { Owner, Child } from '../children/child.ts'
import type { SupervisorChild } from './supervisor-child.ts'

/**
 * One incarnation (run) of a supervisor. Its task performs one operation after the other: it starts, stops or restarts
 * a child, or handles the end of a child. The class `Restarts` decides what follows the end of a child.
 *
 * Modelled on `supervisor` of Erlang/OTP, with two differences. The time window in which restarts are counted is exact
 * to the millisecond. If a child needs too many restarts, the supervisor does not end with `shutdown`, but fails with
 * RestartLimitError. So a supervisor whose option `restart` is `transient` is restarted after this end too. If the root
 * supervisor fails, `system.done` rejects with this error.
 */
export class SupervisorIncarnation extends Incarnation implements Owner {
  declare readonly child: SupervisorChild
  override task!: Task<void>
  readonly #options: SupervisorOptions
  readonly #members = new Map<string, Member>()
  readonly #operations = new OperationQueue()
  readonly #restarts: Restarts
  #waker: Future<void> | null = null
  #end: ExitReason | null = null
  #stopping = false

  constructor(child: SupervisorChild, number: number) {
    super(child, number)
    this.#options = child.spec.options
    this.#restarts = new Restarts(this, this.#options)
  }

  get path(): string {
    return this.child.path
  }

  get ownRef(): ChildRef {
    return this.child.ref
  }

  get members(): Member[] {
    return [...this.#members.values()]
  }

  get #loop(): Child['runtime']['loop'] {
    return this.child.runtime.loop
  }

  get options(): SupervisorOptions & { maxChildren?: number } {
    return this.#options
  }

  member(id: string): Member | undefined {
    return this.#members.get(id)
  }

  get size(): number {
    return this.#members.size
  }

  find(id: string): Child | null {
    return this.#members.get(id)?.child ?? null
  }

  protected override begin(): void {
    this.task = createServiceTask(() => this.#live(), { name: this.path, loop: this.#loop })
    // A callback handles the end of the task, because a task that is cancelled before its first step never runs its
    // body.
    observe(this.task, () => {
      if (this.over) return
      if (this.started) this.ended(this.#end ?? killed)
      else this.failedToStart(new SupervisorStopping(this.path))
    })
  }

  async #live(): Promise<void> {
    try {
      const specs = this.#initialSpecs()
      if (specs === 'ignore') {
        this.ignored()
        return
      }
      await this.#boot(specs)
    } catch (error) {
      await this.#stopMembers()
      this.failedToStart(isCancelled(error) ? new SupervisorStopping(this.path) : error)
      return
    }
    if (this.#end === null) this.cameUp()
    let reason: ExitReason
    try {
      reason = await this.#serve()
    } catch (error) {
      reason = this.#end ?? this.#asReason(error)
      if (reason.kind === 'error') this.decision = this.decide(reason.error)
    }
    this.#end ??= reason
    this.#operations.dropAll()
    await this.#stopMembers()
    this.#operations.dropAll()
    if (this.started) this.ended(this.#end.kind === 'killed' ? killed : reason)
    else this.failedToStart(new SupervisorStopping(this.path))
  }

  #asReason(error: unknown): ExitReason {
    if (!isCancelled(error)) return failure(error)
    return { kind: 'shutdown', detail: { cancelled: error.message } }
  }

  #initialSpecs(): readonly ChildSpec[] | 'ignore' {
    const { children = [], autoShutdown } = this.#options
    if (typeof children !== 'function') return children
    const specs = children()
    if (specs !== 'ignore') checkChildren(specs, autoShutdown)
    return specs
  }

  /** Starts the children one after the other. If a child fails to start, the start of the supervisor fails. */
  async #boot(specs: readonly ChildSpec[]): Promise<void> {
    for (const spec of specs) {
      const member = this.addMember(spec, true)
      try {
        await this.launchMember(member)
      } catch (error) {
        this.removeMember(member, failure(error))
        if (isCancelled(error)) throw error
        throw new FailedToStart(spec.id, error)
      }
    }
  }

  addMember(spec: ChildSpec, initial: boolean): Member {
    const { specifiedChildren, runtime } = this.child
    let child = initial ? (specifiedChildren.get(spec.id) ?? null) : null
    if (child === null || child.kind !== spec.kind) child = makeChild(spec, this, runtime)
    if (initial) specifiedChildren.set(spec.id, child)
    child.owner = this
    child.spec = spec
    const { perChild } = this.#options
    const member = new Member(child, perChild === true ? this.#restarts.makeIntensity() : null)
    this.#members.set(spec.id, member)
    return member
  }

  removeMember(member: Member, reason: ExitReason): void {
    if (this.#members.get(member.child.id) === member) this.#members.delete(member.child.id)
    this.#restarts.leaveOut(member)
    member.child.close(reason)
  }

  /**
   * Starts a child. If the child calls `ctx.ignore()`, the supervisor keeps it as a stopped child. But a temporary
   * child, or a child of a dynamic supervisor, is removed instead.
   */
  async launchMember(member: Member): Promise<void> {
    const { child } = member
    member.stoppedByHand = false
    member.leftOut = false
    member.exit = null
    const outcome = await child.launch()
    if (outcome === 'running') return
    this.forget(member, normal)
  }

  keepsStopped(child: Child): boolean {
    return child.spec.restart !== 'temporary' && this.child.kind !== 'dynamic'
  }

  async #serve(): Promise<ExitReason> {
    for (;;) {
      if (this.#end !== null) return this.#end
      const operation = this.#operations.shift()
      if (operation !== null) {
        await operation.perform()
        continue
      }
      const waker = new Future<void>({ loop: this.#loop })
      this.#waker = waker
      await waker
    }
  }

  #push(operation: Operation): void {
    this.#operations.push(operation)
    this.#wake()
  }

  #wake(): void {
    const waker = this.#waker
    this.#waker = null
    if (waker !== null && !waker.done()) waker.setResult()
  }

  /** Adds an operation to the queue. The operation is dropped if the supervisor ends before performing it. */
  perform(perform: () => Promise<void>): void {
    this.#push({ perform, drop: () => {} })
  }

  childExited(child: Child, incarnation: Incarnation, reason: ExitReason): void {
    const member = this.#members.get(child.id)
    if (member === undefined || member.child !== child) return
    const exit = { incarnation, reason }
    member.exit = exit
    this.perform(async () => {
      // Another operation, such as a stop of the child, may have handled this end already. Then `member.exit` is null.
      if (member.exit === exit && !this.#isCancelled()) await this.#restarts.onExit(member, exit)
    })
  }

  /**
   * Called when `child`, which does not run, was asked to end. If the child waits for a restart, cancels that restart.
   */
  endRestart(child: Child, reason: ExitReason): void {
    const member = this.#members.get(child.id)
    if (member === undefined || member.child !== child) return
    // If `exit` is not null, the supervisor has not handled the end of the child yet. The supervisor then does not
    // restart the child, because `child.stopRequested` is true.
    if (member.exit !== null) return
    this.#restarts.leaveStopped(member, reason)
    this.#wake()
  }

  #isCancelled(): boolean {
    return this.task.cancelling() > 0
  }

  /**
   * Called when the child of `member` has ended and the supervisor does not restart it. A temporary child, or a child
   * of a dynamic supervisor, is removed. Any other child stays in the supervisor as a stopped child, which a caller can
   * start again with `restartChild`.
   */
  forget(member: Member, reason: ExitReason): void {
    if (this.keepsStopped(member.child)) member.child.close(reason)
    else this.removeMember(member, reason)
  }

  /** Called when `child` has ended for good. Ends the supervisor if its option `autoShutdown` says so. */
  shutDownAfter(child: Child): void {
    const { autoShutdown = 'never' } = this.#options
    if (!child.spec.significant || autoShutdown === 'never') return
    const others = this.members.some((each) => each.child.spec.significant && !each.child.closed)
    if (autoShutdown === 'any' || !others) this.#end ??= shutdown
  }

  /**
   * Stops the running incarnation of a child, if there is one, and waits for its end. That end does not cause a
   * restart.
   */
  async stopIncarnation(member: Member): Promise<void> {
    const { child } = member
    const { incarnation } = child
    const early = member.exit
    member.exit = null
    if (incarnation === null) {
      if (early !== null) early.incarnation.reportShutdownError(early.reason)
      return
    }
    child.status = 'stopping'
    const budget = child.spec.shutdown
    if (budget === 'kill' || this.#end === killed) incarnation.kill()
    else incarnation.stopBy(shutdown, this.#loop.time() + budget)
    const wait = new PatientWait(incarnation, () => {
      if (!this.#stopping) return false
      this.kill()
      return true
    })
    try {
      await incarnation.whenOverAtLast(wait)
    } finally {
      const reason = child.lastExit ?? shutdown
      member.exit = null
      const expected = reason.kind === 'shutdown' || (reason.kind === 'killed' && budget === 'kill')
      if (!expected && child.incarnation === null) incarnation.reportShutdownError(reason)
    }
  }

  async stopForGood(member: Member): Promise<void> {
    this.#restarts.leaveOut(member)
    member.child.returning = false
    member.child.refuseAsks(shutdown)
    await this.stopIncarnation(member)
    member.child.close(member.child.lastExit ?? shutdown)
  }

  async #stopMembers(): Promise<void> {
    this.#stopping = true
    if (this.started) this.child.status = 'stopping'
    while (this.task.cancelling() > 0) this.task.uncancel()
    const { stopMode = this.child.kind === 'dynamic' ? 'parallel' : 'ordered' } = this.#options
    const members = this.members.toReversed()
    for (const member of members) this.#restarts.drop(member)
    if (stopMode === 'parallel') {
      await Promise.all(members.map((member) => this.stopForGood(member)))
    } else {
      for (const member of members) await this.stopForGood(member)
    }
    this.#members.clear()
  }

  override finish(reason: ExitReason): void {
    this.interrupt(reason)
  }

  override interrupt(reason: ExitReason): void {
    if (this.over || this.#end !== null) return
    this.#end = reason
    this.#wake()
    // If the task is starting or restarting children now, the cancel ends that work, and the children that were started
    // are stopped. A task that is already stopping the children is not cancelled.
    if (!this.#stopping) this.task.cancel('shutdown')
  }

  override kill(): void {
    if (this.over || this.#end === killed) return
    this.#end = killed
    for (const member of this.#members.values()) member.child.incarnation?.kill()
    this.#wake()
    if (!this.#stopping) this.task.cancel('killed')
  }

  /**
   * Adds the request of a caller to the queue. The returned future has the result of `work`, or fails if the supervisor
   * ends first.
   */
  request<T>(work: () => Promise<T>, retreat: Retreat<T> = {}): Future<T> {
    const request = new Request<T>(this.task, work, retreat)
    if (this.over || this.#end !== null) request.drop()
    else this.#push(request)
    return request
  }
}
