import {
  type CancelledError,
  type EventLoop,
  Future,
  type Task,
  TimeoutError,
  type TimerHandle,
} from '@tasktree/core'
import { describe, type WaitDetails, waitDetails } from '@tasktree/core/lowlevel'
import type { AskCycle } from '../errors.ts'
import { type ExitReason, formatThrown, shutdown } from '../exit-reason.ts'
import { activeFlow, type HandlerFlow } from '../messages/handler-flow.ts'
import type { ActorWait, BlockedWait, Waiter } from '../messages/wait-graph.ts'
import type { Child } from './child.ts'
import { type EndWait, EndWaits } from './end-waits.ts'

/**
 * What happens after a crash of a child: `restart` starts the child again, unless it is temporary. `stop` leaves it
 * ended, `escalate` ends the supervisor, and `resume` lets an actor go on with its state. Children of other kinds cannot
 * resume. The child's option `decide` is a function that returns a Decision, which replaces the rule of the child's
 * option `restart`.
 */
export type Decision = 'restart' | 'resume' | 'stop' | 'escalate'

const decisions: ReadonlySet<unknown> = new Set(['restart', 'resume', 'stop', 'escalate'])

/**
 * The future that settles when an incarnation (run of a child) has finished its start. A cancel of this future stops
 * the incarnation. The future is then cancelled when everything that the incarnation started has ended.
 */
export class Starting extends Future<'running' | 'ignored'> implements ActorWait {
  readonly #incarnation: Incarnation
  /** The HandlerFlow (one run of a handler) whose code starts the child; null if other code starts it. */
  readonly asker: HandlerFlow | null = activeFlow()
  /**
   * When handlers wait for each other in a circle, the wait with the highest number fails. The number of this wait is
   * always 0, and the numbers of other waits begin at 1. So if the child sends an ask while it starts, and that ask and
   * this wait are in one circle, the ask fails, and this wait does not.
   */
  readonly waitNumber = 0
  #cancelled = false
  #message: string | CancelledError | undefined

  constructor(loop: EventLoop, incarnation: Incarnation) {
    super({ loop })
    this.#incarnation = incarnation
  }

  /** @internal tells `why(task)` and `snapshot()` of `@tasktree/core` what a task that awaits this future waits for */
  [waitDetails](): WaitDetails {
    const { child, task } = this.#incarnation
    return { kind: 'start', label: `the start of child '${child.path}'`, next: task }
  }

  /**
   * Returns what the start of the child waits for: the running hook `onStart`, or otherwise the task of the child. Null
   * if the child has no task, or if the start is over.
   */
  blocker(): Waiter | null {
    return this.done() ? null : (this.#incarnation.busyFlow ?? this.#incarnation.task)
  }

  /** Makes the start fail with `error`. */
  refuse(error: AskCycle): void {
    this.#incarnation.abortStart(error)
  }

  override cancel(msg?: string | CancelledError): boolean {
    if (this.done()) return super.cancel(msg)
    this.#cancelled = true
    this.#message = msg
    this.#incarnation.abortStart(null)
    return true
  }

  came(outcome: 'running' | 'ignored'): void {
    if (!this.done()) this.setResult(outcome)
  }

  failed(error: unknown): void {
    if (this.done()) return
    if (this.#cancelled) super.cancel(this.#message)
    else this.setException(error)
  }
}

/**
 * The future with which a supervisor or an actor waits for the end of its child. A cancel of this future calls
 * `onCancel`, but does not end the wait.
 */
export class PatientWait extends Future<ExitReason> implements BlockedWait {
  readonly #incarnation: Incarnation
  readonly #onCancel: () => boolean

  /**
   * Makes a wait for the end of `incarnation` (run of a child). `onCancel` must return true if it has made the
   * incarnation end sooner, and false if it has ignored the cancel. `cancel()` returns the same value.
   */
  constructor(incarnation: Incarnation, onCancel: () => boolean) {
    super({ loop: incarnation.child.runtime.loop })
    this.#incarnation = incarnation
    this.#onCancel = onCancel
  }

  /** @internal tells `why(task)` and `snapshot()` of `@tasktree/core` what a task that awaits this future waits for */
  [waitDetails](): WaitDetails {
    const { child, task } = this.#incarnation
    return { kind: 'actor', label: `the end of child '${child.path}'`, next: task }
  }

  /** Returns the handler or hook of the child that runs now. If none runs, returns the task of the child, or null. */
  blocker(): Waiter | null {
    return this.#incarnation.busyFlow ?? this.#incarnation.task
  }

  override cancel(): boolean {
    return this.#onCancel()
  }
}

/** One run of a child, from its start to its end. A restart makes a new incarnation. */
export abstract class Incarnation {
  readonly child: Child
  readonly number: number
  /**
   * The future that settles when the start of this incarnation is over, because it has succeeded or failed. Null after
   * that.
   */
  #starting: Starting | null
  /** True when the incarnation has ended. */
  over = false
  /**
   * The code in which the incarnation crashed: the name of a message, `the task`, or `the resource`. Null if there was
   * no crash, and for a supervisor.
   */
  crashedIn: string | null = null
  /**
   * The decision about a crash of this incarnation, which the function `decide` of the child's spec has returned; or
   * `escalate`, if the child's option `onZombie` decides so after a kill. Null if there was no decision; then the option
   * `restart` of the child decides.
   */
  decision: Decision | null = null
  #exit: ExitReason | null = null
  #endWaits: EndWaits | null = null
  #patientWaits: Set<PatientWait> | null = null
  #deadline = Infinity
  #killTimer: TimerHandle | null = null
  #startTimer: TimerHandle | null = null
  #startError: unknown = null

  constructor(child: Child, number: number) {
    this.child = child
    this.number = number
    this.#starting = new Starting(child.runtime.loop, this)
  }

  /** True when the start is over, because it has succeeded or failed. */
  get started(): boolean {
    return this.#starting === null
  }

  /**
   * Begins the start. The returned future settles when the start is over: the incarnation runs, does not want to run, or
   * has failed to start.
   */
  launch(): Starting {
    const starting = this.#starting as Starting
    this.begin()
    return starting
  }

  /** The task in which the incarnation runs. Null for a resource, which uses one task after the other. */
  abstract readonly task: Task | null

  protected abstract begin(): void
  /**
   * Makes the incarnation end. The running handlers of an actor finish first. For any other child, this method does the
   * same as `interrupt`.
   */
  abstract finish(reason: ExitReason): void
  /** Makes the incarnation end: cancels its current work, but waits for the clean-up code of that work. */
  abstract interrupt(reason: ExitReason): void
  /**
   * Ends the incarnation within a few turns of the loop, even if its current work cannot be cancelled. An incarnation with
   * children kills the children too, and ends when the last of them has ended.
   */
  abstract kill(): void

  /**
   * Calls the function `decide` of the child's spec with the error of a crash, and returns the decision. Returns null
   * if the spec has no `decide`, or if `decide` threw, returned no decision, or returned `resume` for a child that is
   * not an actor. Then the caller follows the option `restart` of the child.
   */
  protected decide(error: unknown): Decision | null {
    const { path, kind, runtime, spec } = this.child
    if (spec.decide === undefined) return null
    const { log } = runtime
    try {
      const decision: unknown = spec.decide(error)
      if (decision === 'resume' && kind !== 'actor') {
        log.error(
          `${path}: decide returned resume, but only an actor can go on after a crash, and this child is of kind ${kind}`,
        )
        return null
      }
      if (decisions.has(decision)) return decision as Decision
      if (decision !== undefined) {
        log.error(`${path}: decide returned ${describe(decision)}, which is no decision`)
      }
    } catch (thrown) {
      log.error(`${path}: decide threw`, thrown)
    }
    return null
  }

  limitStart(timeout: number): void {
    this.#startTimer = this.child.runtime.loop.callLater(timeout, () => {
      this.abortStart(new TimeoutError(`${this.child.path} did not start within ${timeout} ms`))
    })
  }

  /**
   * If the start is not over, makes it fail with `error`. If `error` is null, the incarnation is stopped, and otherwise
   * it is killed.
   */
  abortStart(error: unknown): void {
    if (this.started) return
    this.#startError ??= error
    if (error !== null) this.kill()
    else this.stopBy(shutdown, this.child.runtime.loop.time() + budgetOf(this.child))
  }

  /**
   * Interrupts the incarnation. Kills it at `deadline` if it has not ended by then. After several calls, the earliest
   * deadline counts.
   */
  stopBy(reason: ExitReason, deadline: number): void {
    if (this.over) return
    this.killAt(deadline)
    if (!this.over) this.interrupt(reason)
  }

  killAt(deadline: number): void {
    if (this.over || deadline >= this.#deadline) return
    this.#deadline = deadline
    this.#killTimer?.cancel()
    this.#killTimer = this.child.runtime.loop.callAt(deadline, () => this.kill())
  }

  get deadline(): number {
    return this.#deadline
  }

  /** Called by a subclass when the start has succeeded. */
  protected cameUp(): void {
    this.#startTimer?.cancel()
    this.#startTimer = null
    this.child.running()
    const starting = this.#starting
    this.#starting = null
    starting?.came('running')
  }

  /** Called by a subclass when the start has failed. */
  protected failedToStart(error: unknown): void {
    this.#clear()
    if (this.child.incarnation === this) this.child.exited(this, { kind: 'error', error })
    const starting = this.#starting
    this.#starting = null
    starting?.failed(this.#startError ?? error)
    this.#tell({ kind: 'error', error })
  }

  protected ignored(): void {
    this.#clear()
    if (this.child.incarnation === this) this.child.exited(this, { kind: 'normal' })
    const starting = this.#starting
    this.#starting = null
    starting?.came('ignored')
    this.#tell({ kind: 'normal' })
  }

  /** Called by a subclass when this incarnation has ended, after a start that succeeded. */
  protected ended(reason: ExitReason): void {
    if (this.over) return
    this.#clear()
    const current = this.child.incarnation === this
    this.child.exited(this, reason)
    if (current) this.child.owner.childExited(this.child, this, reason)
    this.#tell(reason)
  }

  #clear(): void {
    this.over = true
    this.#startTimer?.cancel()
    this.#startTimer = null
    this.#killTimer?.cancel()
    this.#killTimer = null
  }

  #tell(reason: ExitReason): void {
    this.#exit = reason
    const patient = this.#patientWaits
    this.#patientWaits = null
    if (patient !== null) for (const each of patient) each.setResult(reason)
    this.#endWaits?.settle(reason)
    this.#endWaits = null
  }

  /**
   * Returns a future that settles when this incarnation has ended. Each call returns a new future, so a caller that
   * cancels its future does not end the wait of another caller.
   */
  whenOver(): EndWait {
    const waits = (this.#endWaits ??= new EndWaits())
    const wait = waits.add(this.child)
    if (this.#exit !== null) waits.settle(this.#exit)
    return wait
  }

  /**
   * Returns a future that settles when this incarnation has ended. A task that reads `ref.whenStopped` again and again,
   * without an await, gets the same future each time, so that unused futures do not pile up.
   */
  readEnd(): EndWait {
    return (this.#endWaits ??= new EndWaits()).read(this.child)
  }

  /**
   * Makes `wait` settle when this incarnation has ended, and returns `wait`. A supervisor or an actor must not end before
   * its children, so a cancel must not end its wait for a child. Therefore it calls this method, and not `whenOver`,
   * whose future ends with a cancel.
   */
  whenOverAtLast(wait: PatientWait): PatientWait {
    if (this.#exit !== null) wait.setResult(this.#exit)
    else (this.#patientWaits ??= new Set()).add(wait)
    return wait
  }

  /**
   * The handler or hook that runs now and must finish before this incarnation can end, as a HandlerFlow (the object for
   * one run of a handler). Null when no handler or hook runs, and always null if the child is not an actor.
   */
  get busyFlow(): HandlerFlow | null {
    return null
  }

  /** Reports that this incarnation was asked to end, but ended for another reason, such as an error in its clean-up. */
  reportShutdownError(reason: ExitReason): void {
    const { path, id, runtime } = this.child
    if (reason.kind === 'error') {
      runtime.log.error(`${path} failed while it was stopped: ${formatThrown(reason.error)}`)
    }
    if (runtime.observed) {
      runtime.emit({ type: 'shutdown-error', path, id, incarnation: this.number, reason })
    }
  }
}

/** Returns how long the child may take to stop, in milliseconds. Returns 0 if its option `shutdown` is 'kill'. */
export function budgetOf(child: Child): number {
  const { shutdown: budget } = child.spec
  return budget === 'kill' ? 0 : budget
}
