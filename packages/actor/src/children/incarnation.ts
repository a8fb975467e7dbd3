import {
  type CancelledError,
  type EventLoop,
  Future,
  type Task,
  TimeoutError,
  type TimerHandle,
} from '@tasktree/core'
import { type ExitReason, formatThrown, shutdown } from '../exit-reason.ts'
import type { HandlerFlow } from '../messages/handler-flow.ts'
import type { Child } from './child.ts'
import { type EndWait, EndWaits } from './end-wait.ts'

/** What a supervisor does about a crash, instead of what the restart type says. */
export type Decision = 'restart' | 'resume' | 'stop' | 'escalate'

/** The wait for a start. A cancel of the wait cancels the start, and ends the wait when nothing of the start remains. */
export class Starting extends Future<'running' | 'ignored'> {
  readonly #incarnation: Incarnation
  #cancelled = false
  #message: string | CancelledError | undefined

  constructor(loop: EventLoop, incarnation: Incarnation) {
    super({ loop })
    this.#incarnation = incarnation
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

/** A supervisor's wait for the end of a child. A cancel does not end it. */
export class PatientWait extends Future<ExitReason> {
  readonly #onCancel: () => boolean

  constructor(loop: EventLoop, onCancel: () => boolean) {
    super({ loop })
    this.#onCancel = onCancel
  }

  override cancel(): boolean {
    return this.#onCancel()
  }
}

/** One incarnation of a child. */
export abstract class Incarnation {
  readonly child: Child
  readonly number: number
  /** Null once it has come up or failed to start. */
  #starting: Starting | null
  /** It has ended. */
  over = false
  /** What it did when it crashed: the name of a message, or `the task`. */
  crashedIn: string | null = null
  /** Overrides the restart type for this end. */
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

  /** Whether it has come up or failed to start. */
  get started(): boolean {
    return this.#starting === null
  }

  /** Begins the start. The result settles when it runs. */
  launch(): Starting {
    const starting = this.#starting as Starting
    this.begin()
    return starting
  }

  /** The task it runs in; null for one that needs none. */
  abstract readonly task: Task | null

  protected abstract begin(): void
  /** Ends it after the work that it is doing. */
  abstract finish(reason: ExitReason): void
  /** Ends it, and cancels the work that it is doing. */
  abstract interrupt(reason: ExitReason): void
  /** Ends it within a turn of the loop, even if its work cannot be cancelled. */
  abstract kill(): void

  limitStart(timeout: number): void {
    this.#startTimer = this.child.runtime.loop.callLater(timeout, () => {
      this.abortStart(new TimeoutError(`${this.child.path} did not start within ${timeout} ms`))
    })
  }

  abortStart(error: unknown): void {
    this.#startError ??= error
    if (error !== null) this.kill()
    else this.stopBy(shutdown, this.child.runtime.loop.time() + budgetOf(this.child))
  }

  /** Interrupts it, and kills it at `deadline` if it has not ended. Of several deadlines the earliest counts. */
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

  /** It runs. */
  protected cameUp(): void {
    this.#startTimer?.cancel()
    this.#startTimer = null
    this.child.running()
    const starting = this.#starting
    this.#starting = null
    starting?.came('running')
  }

  /** It has ended without ever running. */
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

  /** It has ended after it ran. */
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

  /** Settles with its end. Each caller gets a future of its own, which it may cancel. */
  whenOver(): EndWait {
    const waits = (this.#endWaits ??= new EndWaits())
    const wait = waits.add(this.child)
    if (this.#exit !== null) waits.settle(this.#exit)
    return wait
  }

  /** The same for a supervisor, which does not give its wait up. */
  whenOverAtLast(wait: PatientWait): PatientWait {
    if (this.#exit !== null) wait.setResult(this.#exit)
    else (this.#patientWaits ??= new Set()).add(wait)
    return wait
  }

  /** The handler that must end before this incarnation can; null when there is none. */
  get busyFlow(): HandlerFlow | null {
    return null
  }

  /** Reports that `promise` goes on although its incarnation was killed. Its outcome is ignored, and a rejection marked as handled. */
  protected emitZombie(message: string, sinceMs: number, promise: PromiseLike<unknown>): void {
    const { path, id, runtime } = this.child
    const { number: incarnation } = this
    if (this.child.spec.onZombie === 'escalate') this.decision = 'escalate'
    runtime.log.warn(
      `${path} was killed, but ${message} goes on without it: it awaits something that cannot be cancelled`,
    )
    if (runtime.observed) runtime.emit({ type: 'zombie', path, id, incarnation, message, sinceMs })
    const settled = (): void => {
      if (runtime.observed) runtime.emit({ type: 'zombie-settled', path, id, incarnation, message })
    }
    promise.then(settled, settled)
  }

  /** Reports that it ended for another reason than it was asked to. */
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

/** How long it may take to stop, in milliseconds. */
export function budgetOf(child: Child): number {
  const { shutdown: budget } = child.spec
  return budget === 'kill' ? 0 : budget
}
