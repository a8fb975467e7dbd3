import { isCancelled } from '@tasktree/core'
import type { Child } from '../children/child.ts'
import { describeEnd, reportEnd } from '../children/crash-report.ts'
import type { SupervisorOptions } from '../children/child-spec.ts'
import type { Incarnation } from '../children/incarnation.ts'
import { ActorStopped, RestartLimitError } from '../errors.ts'
import { type ExitReason, failure, shutdown } from '../exit-reason.ts'
import { delayBefore } from '../children/backoff.ts'
import { restartsAfter } from '../children/restart-decision.ts'
import type { Member, Retry } from './member.ts'
import { RestartIntensity } from './restart-intensity.ts'
import type { SupervisorIncarnation } from './supervisor.ts'

/**
 * Decides what a supervisor does when a child has ended that it had not stopped. The supervisor restarts the child and the children
 * that its option `strategy` adds, removes the child, or ends itself. Each restart is an operation in the supervisor's
 * queue. After a restart that has failed, the next attempt goes to the end of the queue, so that a request to stop is
 * performed before it.
 */
export class Restarts {
  readonly #supervisor: SupervisorIncarnation
  readonly #options: SupervisorOptions
  readonly #intensity: RestartIntensity

  constructor(supervisor: SupervisorIncarnation, options: SupervisorOptions) {
    this.#supervisor = supervisor
    this.#options = options
    this.#intensity = this.makeIntensity()
  }

  makeIntensity(): RestartIntensity {
    const { maxRestarts = 3, within = 5000 } = this.#options
    return new RestartIntensity(maxRestarts, within)
  }

  /**
   * Called when an incarnation (run) of a child has ended, and the supervisor had not stopped it. Restarts the child,
   * leaves it stopped, removes it, or ends the supervisor by throwing.
   * @throws the error with which the supervisor ends
   */
  async onExit(
    member: Member,
    { incarnation, reason }: { incarnation: Incarnation; reason: ExitReason },
  ): Promise<void> {
    member.exit = null
    const { child } = member
    const { decision } = incarnation
    if (decision === 'escalate') this.#escalate(child, incarnation, reason)
    if (restartsAfter(child, reason, decision)) {
      await this.#restart(member, incarnation, reason)
      return
    }
    reportEnd(child, incarnation, reason, 'it is not started again')
    if (child.stopRequested) this.leaveOut(member)
    this.#supervisor.forget(member, reason)
    this.#supervisor.shutDownAfter(child)
  }

  #escalate(child: Child, incarnation: Incarnation, reason: ExitReason): never {
    reportEnd(child, incarnation, reason, `${this.#supervisor.path} ends with it`)
    child.close(reason)
    throw reason.kind === 'error' ? reason.error : new ActorStopped(child.path, reason, true)
  }

  /**
   * Called when `ref.stop()` was called for the child of `member` and the child does not run: it has ended or failed to
   * start, or was waiting for a restart. The child stays stopped. A restart of its group (the children that are
   * restarted together) goes on without the child.
   */
  leaveStopped(member: Member, reason: ExitReason): void {
    this.leaveOut(member)
    this.#supervisor.forget(member, reason)
    this.#supervisor.shutDownAfter(member.child)
  }

  /**
   * Makes one attempt to restart a child: counts and logs the attempt, stops the other children of the child's group
   * (the children that are restarted together), and starts all children of the group. `incarnation` is the run of the
   * child that has ended; null when a previous attempt to restart the child has failed.
   */
  async #restart(
    member: Member,
    incarnation: Incarnation | null,
    reason: ExitReason,
  ): Promise<void> {
    const { child } = member
    const now = child.runtime.loop.time()
    if (incarnation !== null && now - child.startedAt >= this.#healthyAfter()) child.healthy()
    const { backoff, maxRestarts = 3 } = this.#options
    const isTooOften = child.consecutiveRestarts >= (backoff?.maxAttempts ?? Infinity)
    if (isTooOften || !(member.intensity ?? this.#intensity).allow(now)) {
      this.#giveUp(child, incarnation, reason, isTooOften ? child.consecutiveRestarts : maxRestarts)
    }
    const delay = backoff === undefined ? 0 : delayBefore(backoff, child.consecutiveRestarts)
    child.consecutiveRestarts++
    child.restarts++
    child.status = 'restarting'
    this.#announce(child, incarnation, reason, delay)
    const group = this.#groupOf(member)
    if (incarnation !== null) for (const each of group) each.leftOut = false
    for (const each of group.toReversed()) {
      this.drop(each)
      if (each !== member) await this.#stopForRestart(each)
    }
    const retry: Retry = { group, timer: null }
    member.retry = retry
    if (!member.leftOut) child.status = 'restarting'
    if (delay === 0) {
      await this.#start(member, retry)
      return
    }
    retry.timer = child.runtime.loop.callLater(delay, () => {
      retry.timer = null
      this.#later(member, retry, () => this.#start(member, retry))
    })
  }

  #healthyAfter(): number {
    const { backoff, within = 5000 } = this.#options
    return backoff === undefined ? within : (backoff.resetAfter ?? backoff.max)
  }

  #giveUp(
    child: Child,
    incarnation: Incarnation | null,
    reason: ExitReason,
    restarts: number,
  ): never {
    const cause =
      reason.kind === 'error' ? reason.error : new ActorStopped(child.path, reason, true)
    child.runtime.log.report(
      'error',
      `${this.#supervisor.path} gives up after ${restarts} restarts of ${child.path}, which ended again after ${describeEnd(incarnation, reason)}`,
      { event: 'gave-up', path: this.#supervisor.path, child: child.path, restarts },
      cause,
    )
    child.close(reason)
    throw new RestartLimitError(child.path, restarts, cause)
  }

  #announce(
    child: Child,
    incarnation: Incarnation | null,
    reason: ExitReason,
    delay: number,
  ): void {
    const { path, id, number, runtime, consecutiveRestarts: attempt } = child
    const when = delay === 0 ? '' : ` in ${Math.round(delay)} ms`
    const facts = { path, id, incarnation: number, nextIncarnation: number + 1, attempt, delay }
    runtime.log.report(
      'warn',
      `restarting ${path}${when} (attempt ${attempt}, incarnation ${number + 1}) after ${describeEnd(incarnation, reason)}`,
      { event: 'restarting', ...facts, during: incarnation?.crashedIn ?? null },
      reason.kind === 'error' ? reason.error : undefined,
    )
    if (runtime.observed) runtime.emit({ type: 'restarting', ...facts, reason })
  }

  /**
   * Returns the children to restart when `member` fails, in the order of their start: `member` itself, and the children
   * that the supervisor's option `strategy` adds.
   */
  #groupOf(member: Member): Member[] {
    const { strategy = 'one-for-one' } = this.#options
    if (this.#supervisor.child.kind === 'dynamic' || strategy === 'one-for-one') return [member]
    const all = this.#supervisor.members
    return strategy === 'one-for-all' ? all : all.slice(all.indexOf(member))
  }

  async #stopForRestart(member: Member): Promise<void> {
    const { child } = member
    const isTemporary = child.spec.restart === 'temporary'
    child.returning = !isTemporary
    if (isTemporary) child.refuseAsks(shutdown)
    const ending = child.incarnation ?? member.exit?.incarnation ?? null
    await this.#supervisor.stopIncarnation(member)
    if (ending?.decision === 'escalate') {
      this.#escalate(child, ending, child.lastExit ?? shutdown)
    }
    // `ref.stop()` may have been called before this stop, or while this stop was in progress.
    if (child.stopRequested && !child.closed) this.leaveStopped(member, child.lastExit ?? shutdown)
    else if (isTemporary) this.#supervisor.removeMember(member, child.lastExit ?? shutdown)
    else child.returning = !member.leftOut
  }

  /**
   * Starts the children of the group (the children that are restarted together) that do not run, in the order of the
   * list. When a child fails to start, the children after it are not started now. The supervisor later makes another
   * attempt to restart, for the child that has failed.
   */
  async #start(member: Member, { group }: Retry): Promise<void> {
    member.retry = null
    for (const each of group) {
      const { child } = each
      const isGone = each.leftOut || this.#supervisor.member(child.id) !== each
      if (isGone || each.running || (each.stoppedByHand && child.spec.stickyStop)) continue
      try {
        await this.#supervisor.launchMember(each)
      } catch (error) {
        if (isCancelled(error)) throw error
        if (child.stopRequested) this.leaveStopped(each, shutdown)
        else {
          this.#tryAgain(each, error)
          return
        }
      }
    }
  }

  #tryAgain(member: Member, error: unknown): void {
    const retry: Retry = { group: this.#groupOf(member), timer: null }
    member.retry = retry
    member.child.status = 'restarting'
    member.child.returning = true
    this.#later(member, retry, () =>
      member.leftOut ? this.#start(member, retry) : this.#restart(member, null, failure(error)),
    )
  }

  #later(member: Member, retry: Retry, perform: () => Promise<void>): void {
    this.#supervisor.perform(async () => {
      if (member.retry === retry) await perform()
    })
  }

  /** If a restart of `member` (a child) waits for its delay or its turn, cancels this restart. */
  drop(member: Member): void {
    member.retry?.timer?.cancel()
    member.retry = null
  }

  /**
   * Called when `member` (a child) is stopped for good. If its group (the children that are restarted together) is
   * being restarted, the restart goes on without this child. If the restart was for this child alone, it is cancelled.
   */
  leaveOut(member: Member): void {
    member.leftOut = true
    if (member.retry !== null && member.retry.group.length <= 1) this.drop(member)
  }
}
