import { createTask, Future, isCancelled, type Task } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'
import { Backoff } from './backoff.ts'
import type { ChildRef } from '../children/child-ref.ts'
import { checkChildren, type ChildSpec, type SupervisorOptions } from '../children/child-spec.ts'
import { ActorStopped, FailedToStart, RestartLimitError, SupervisorStopping } from '../errors.ts'
import { type ExitReason, failure, formatReason, killed, normal, shutdown } from '../exit-reason.ts'
import { makeChild } from '../children/child-kinds.ts'
import { Member } from './member.ts'
import { type Operation, OperationQueue, Request, type Retreat } from './operation-queue.ts'
import { RestartIntensity } from './restart-intensity.ts'
import { PatientWait, Incarnation } from '../children/incarnation.ts'
import type { Owner, Child } from '../children/child.ts'
import type { SupervisorChild } from './supervisor-child.ts'

/**
 * One incarnation of a supervisor: a task that does one operation after the other (start, stop, restart, a
 * child's end). A restart that failed goes to the end of the line, so that a request to stop is served
 * before the next attempt.
 *
 * Source: supervisor of OTP. Differs: the window is exact to the millisecond; a supervisor that gives up
 * fails with RestartLimitError, so that a transient one is restarted and `done` says why.
 */
export class SupervisorIncarnation extends Incarnation implements Owner {
  declare readonly child: SupervisorChild
  override task!: Task<void>
  readonly #options: SupervisorOptions
  readonly #members = new Map<string, Member>()
  readonly #operations = new OperationQueue()
  readonly #intensity: RestartIntensity
  #waker: Future<void> | null = null
  #end: ExitReason | null = null
  #stopping = false

  constructor(child: SupervisorChild, number: number) {
    super(child, number)
    this.#options = child.spec.options
    this.#intensity = this.#makeIntensity()
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

  #makeIntensity(): RestartIntensity {
    const { maxRestarts = 3, within = 5000 } = this.#options
    return new RestartIntensity(maxRestarts, within)
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
    this.task = createTask(() => this.#live(), { name: this.path, loop: this.#loop })
    // Cancelled before its first step, the body never runs.
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

  /** One after the other; the first that fails ends it. */
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
    const { backoff, perChild } = this.#options
    child.backoff = backoff === undefined ? null : new Backoff(backoff)
    const member = new Member(child, perChild === true ? this.#makeIntensity() : null)
    this.#members.set(spec.id, member)
    return member
  }

  removeMember(member: Member, reason: ExitReason): void {
    if (this.#members.get(member.child.id) === member) this.#members.delete(member.child.id)
    member.retry = null
    member.child.close(reason)
  }

  /** Starts it; one that says it is not needed keeps its place, unless it is temporary. */
  async launchMember(member: Member): Promise<void> {
    const { child } = member
    member.stoppedByHand = false
    member.exit = null
    const outcome = await child.launch()
    child.backoff?.started(this.#loop.time())
    if (outcome === 'running') return
    if (this.keepsStopped(child)) child.close(normal)
    else this.removeMember(member, normal)
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

  #do(perform: () => Promise<void>): void {
    this.#push({ perform, drop: () => {} })
  }

  childExited(child: Child, incarnation: Incarnation, reason: ExitReason): void {
    const member = this.#members.get(child.id)
    if (member === undefined || member.child !== child) return
    const exit = { incarnation, reason }
    member.exit = exit
    this.#do(async () => {
      // A stop that was under way has dealt with it.
      if (member.exit === exit && !this.#isCancelled()) await this.#onExit(member, exit)
    })
  }

  #isCancelled(): boolean {
    return this.task.cancelling() > 0
  }

  async #onExit(
    member: Member,
    exit: { incarnation: Incarnation; reason: ExitReason },
  ): Promise<void> {
    member.exit = null
    const { child } = member
    const { incarnation, reason } = exit
    const decision = incarnation.decision
    if (decision === 'escalate') {
      child.close(reason)
      throw reason.kind === 'error' ? reason.error : new ActorStopped(child.path, reason, true)
    }
    const restarts =
      decision === null
        ? child.restartsAfter(reason)
        : decision === 'restart' && child.spec.restart !== 'temporary'
    if (restarts) {
      await this.#restart(member, reason, true)
      return
    }
    if (this.keepsStopped(child)) child.close(reason)
    else this.removeMember(member, reason)
    this.#shutDownAfter(child)
  }

  #shutDownAfter(child: Child): void {
    const { autoShutdown = 'never' } = this.#options
    if (!child.spec.significant || autoShutdown === 'never') return
    const others = this.members.some((each) => each.child.spec.significant && each.running)
    if (autoShutdown === 'any' || !others) this.#end ??= shutdown
  }

  /** One attempt: counted, announced, and the group stopped and started as the strategy says. */
  async #restart(member: Member, reason: ExitReason, wasRunning: boolean): Promise<void> {
    const { child } = member
    const now = this.#loop.time()
    const delay = child.backoff === null ? 0 : child.backoff.next(now, wasRunning)
    if (wasRunning) member.attempts = 0
    if (delay === null || !(member.intensity ?? this.#intensity).allow(now)) {
      const made = delay === null ? member.attempts : (this.#options.maxRestarts ?? 3)
      const cause =
        reason.kind === 'error' ? reason.error : new ActorStopped(child.path, reason, true)
      child.close(reason)
      throw new RestartLimitError(child.path, made, cause)
    }
    member.attempts++
    child.restarts++
    child.status = 'restarting'
    this.#announce(member, reason, delay)
    const token = {}
    const group = this.#group(member)
    for (const each of group.toReversed()) {
      each.retry = null
      if (each !== member) await this.#stopForGroup(each)
    }
    member.retry = token
    child.status = 'restarting'
    if (delay === 0) {
      await this.#startGroup(member)
      return
    }
    this.#loop.callLater(delay, () => {
      if (member.retry !== token || this.over) return
      this.#do(async () => {
        if (member.retry === token) await this.#startGroup(member)
      })
    })
  }

  #announce(member: Member, reason: ExitReason, delay: number): void {
    const { child } = member
    const { path, id, number: incarnation, runtime } = child
    const again = delay === 0 ? '' : ` in ${Math.round(delay)} ms`
    runtime.log.warn(
      `restarting ${path}${again} (attempt ${member.attempts}, incarnation ${incarnation + 1}) after ${formatReason(reason)}`,
    )
    if (!runtime.observed) return
    runtime.emit({
      type: 'restarting',
      path,
      id,
      incarnation,
      nextIncarnation: incarnation + 1,
      reason,
      attempt: member.attempts,
      delay,
    })
  }

  /** The children that one's failure concerns, itself among them, in the order of their start. */
  #group(member: Member): Member[] {
    const { strategy = 'one-for-one' } = this.#options
    if (this.child.kind === 'dynamic' || strategy === 'one-for-one') return [member]
    const all = this.members
    return strategy === 'one-for-all' ? all : all.slice(all.indexOf(member))
  }

  async #stopForGroup(member: Member): Promise<void> {
    const { child } = member
    const temporary = child.spec.restart === 'temporary'
    child.returning = !temporary
    if (temporary) child.refuseAsks(shutdown)
    await this.#stopIncarnation(member)
    if (temporary) this.removeMember(member, child.lastExit ?? shutdown)
    else child.returning = true
  }

  /** Starts what does not run of its group, in order. A failure is another attempt, at the end of the line. */
  async #startGroup(member: Member): Promise<void> {
    member.retry = null
    for (const each of this.#group(member)) {
      if (each.running || (each.stoppedByHand && each.child.spec.stickyStop)) continue
      try {
        await this.launchMember(each)
      } catch (error) {
        if (isCancelled(error)) throw error
        this.#retry(each, error)
        return
      }
    }
  }

  #retry(member: Member, error: unknown): void {
    const token = {}
    member.retry = token
    member.child.status = 'restarting'
    member.child.returning = true
    this.child.runtime.log.error(`${member.child.path} failed to start again`, error)
    this.#do(async () => {
      if (member.retry === token) await this.#restart(member, failure(error), false)
    })
  }

  /** Stops its incarnation, if there is one, and waits for that. Its end has then been dealt with. */
  async #stopIncarnation(member: Member): Promise<void> {
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
    const wait = new PatientWait(this.#loop, () => {
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
    member.retry = null
    member.child.returning = false
    member.child.refuseAsks(shutdown)
    await this.#stopIncarnation(member)
    member.child.close(member.child.lastExit ?? shutdown)
  }

  async #stopMembers(): Promise<void> {
    this.#stopping = true
    while (this.task.cancelling() > 0) this.task.uncancel()
    const { stopMode = this.child.kind === 'dynamic' ? 'parallel' : 'ordered' } = this.#options
    const members = this.members.toReversed()
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
    // What is in progress is undone.
    if (!this.#stopping) this.task.cancel('shutdown')
  }

  override kill(): void {
    if (this.over || this.#end === killed) return
    this.#end = killed
    for (const member of this.#members.values()) member.child.incarnation?.kill()
    this.#wake()
    if (!this.#stopping) this.task.cancel('killed')
  }

  /** Does `work` when its turn comes. */
  request<T>(work: () => Promise<T>, retreat: Retreat<T> = {}): Future<T> {
    const request = new Request<T>(this.#loop, this.path, work, retreat)
    if (this.over || this.#end !== null) request.drop()
    else this.#push(request)
    return request
  }
}
