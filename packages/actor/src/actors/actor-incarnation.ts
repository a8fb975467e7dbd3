import { Future, InvalidStateError, isCancelled, sleep, type Task } from '@tasktree/core'
import { createServiceTask, abandon, observe } from '@tasktree/core/lowlevel'
import { restartsAfter } from '../children/restart-decision.ts'
import { abandoned } from '../children/abandonable-wait.ts'
import { Incarnation } from '../children/incarnation.ts'
import type { UnsupervisedChildren } from '../children/unsupervised-children.ts'
import { reportZombie } from '../children/zombie.ts'
import { ActorStopped, NoProc, UnexpectedCancellation } from '../errors.ts'
import { type ExitReason, failure, killed, normal, tame } from '../exit-reason.ts'
import type { Envelope } from '../messages/envelope.ts'
import { type HandlerFlow, runOutsideOfFlows, setTaskOf } from '../messages/handler-flow.ts'
import { endedWhileHandling } from '../messages/deferred-replies.ts'
import { type Actor, constructWith, type Hooks } from './actor.ts'
import type { ActorChild } from './actor-child.ts'
import { ActorContext } from './actor-context.ts'
import { reportLateCrash, reportResumed } from './handler-errors.ts'
import { MessageLoop } from './message-loop.ts'
import { HookCaller } from './hook-caller.ts'
import { IncarnationParts } from './incarnation-parts.ts'
import { PersistentCancel } from './persistent-cancel.ts'
import { ShortHandlers } from './short-handlers.ts'
import { type SysRequest, SysRequests } from './sys-requests.ts'

const notNeeded: unique symbol = Symbol('not needed')

/**
 * One incarnation (run) of an actor: a task that starts the actor, lets its handlers run, and cleans up at the end. The
 * class `MessageLoop` takes the messages from the mailbox and calls their handlers.
 */
export class ActorIncarnation extends Incarnation {
  declare readonly child: ActorChild
  override task!: Task<void>
  readonly messageLoop: MessageLoop
  /**
   * True when the incarnation has ended or has failed to start, and at the latest two turns of the event loop after a
   * kill. Code of the incarnation may still run then, so every method of its ActorContext (`this.ctx`) throws.
   */
  revoked = false
  trapExit = false
  #actor: Actor | null = null
  #end: ExitReason | null = null
  /**
   * While the task of the actor has no work, it awaits this future. When new work arrives, the future is completed, and
   * the task continues. A message that `#shortHandlers` can handle does not complete it: the task then goes on waiting.
   * Null while the task does not wait here.
   */
  #waker: Future<void> | null = null
  /**
   * Handles messages whose handlers return no promise, without resuming the task, because to resume the task takes
   * longer than a short handler. Null until the actor has handled its first message, so that an actor without messages
   * takes less memory.
   */
  #shortHandlers: ShortHandlers | null = null
  readonly #hookCaller: HookCaller
  #persistentCancel: PersistentCancel | null = null
  #parts: IncarnationParts | null = null
  #requests: SysRequests | null = null
  /**
   * True while the incarnation (this run of the actor) cleans up: it stops its children and runs the hook `onStop`. A
   * request to stop does not interrupt the clean-up.
   */
  #cleaning = false

  constructor(child: ActorChild, number: number) {
    super(child, number)
    this.messageLoop = new MessageLoop(this)
    this.#hookCaller = new HookCaller(this)
  }

  /** The reason why this incarnation is ending, or null while it runs. */
  get endReason(): ExitReason | null {
    return this.#end
  }

  get actor(): Actor | null {
    return this.#actor
  }

  override get busyFlow(): HandlerFlow | null {
    return this.#end === killed ? null : (this.#hookCaller.flow ?? this.messageLoop.main)
  }

  /**
   * Returns the actor object, with a type that lets this package call its protected hooks. Null before the constructor
   * of the actor has returned.
   */
  hooks(): Hooks | null {
    return this.#actor as unknown as Hooks | null
  }

  /**
   * The object that holds the timers, monitors, links, children, stashed messages and unanswered messages of this
   * incarnation, and the promises that were passed to `ctx.pipe()`. The object is created when this getter is first
   * called.
   */
  get parts(): IncarnationParts {
    this.#parts ??= new IncarnationParts(this)
    return this.#parts
  }

  get ownChildren(): UnsupervisedChildren | null {
    return this.#parts?.ownChildren ?? null
  }

  get stashed(): number {
    return this.#parts?.stashed ?? 0
  }

  protected override begin(): void {
    const { runtime, path } = this.child
    // The task is made outside of every HandlerFlow (one run of a handler). Otherwise the new actor would count as a
    // part of the handler that spawned it.
    this.task = runOutsideOfFlows(() =>
      createServiceTask(() => this.#live(), { name: path, loop: runtime.loop }),
    )
    setTaskOf(this, this.task)
    // A callback handles the end of the task, because a task that is cancelled before its first step never runs its
    // body.
    observe(this.task, () => {
      if (this.over) return
      if (this.started) {
        this.#exit(this.#end ?? killed)
        return
      }
      const error = this.task.cancelled() ? new NoProc(path) : this.task.exception()
      this.#endStart(error, this.#end ?? failure(error))
    })
  }

  /**
   * Runs the incarnation from its start to its end. This method is one async function, because each further async
   * function that waits would take about 380 bytes in every idle actor.
   */
  async #live(): Promise<void> {
    if (!(await this.#start())) return
    while (this.#end === null || this.#shortHandlers?.hasBurst === true) {
      const burst = this.#shortHandlers?.takeBurst() ?? this.messageLoop.runBurst()
      if (burst !== null) {
        // Wait until the burst (messages that are handled without a pause) is over. `burst` is a native promise and not
        // a Future, so a cancel of the task does not end this wait. The cancel reaches the Future that the running
        // handler awaits.
        await burst
        continue
      }
      if (this.#end !== null) break
      if (this.isDrained()) {
        this.#end = normal
        break
      }
      if (this.messageLoop.handled > 0) this.#shortHandlers ??= new ShortHandlers(this)
      try {
        await this.#nextTurn()
      } catch (error) {
        if (!isCancelled(error)) throw error
        this.#end ??= { kind: 'shutdown', detail: { cancelled: error.message } }
      }
    }
    await this.#shutDown(this.#end)
  }

  async #start(): Promise<boolean> {
    try {
      const { actorClass, args } = this.child.spec
      const values = (typeof args === 'function' ? args() : args) as never[]
      this.#actor = constructWith(new ActorContext(this), () => new actorClass(...values))
      await this.#hookCaller.call('onStart', (hooks) => hooks.onStart?.())
      // oxlint-disable-next-line @tasktree/no-swallowed-cancel -- the error ends the incarnation
    } catch (error) {
      await this.#failToStart(tame(error))
      return false
    }
    if (this.#persistentCancel !== null || this.#end === killed) {
      // The actor was stopped or killed while `onStart` ran, but `onStart` returned as usual. After a stop, `onStop` is
      // called. After a kill, `onStop` is not called.
      if (this.#end !== null && this.#end !== killed) {
        this.#cleaning = true
        this.#takeCancelsBack()
        await this.#runOnStop(this.#end)
      }
      await this.#failToStart(null)
      return false
    }
    this.cameUp()
    return true
  }

  async #failToStart(error: unknown): Promise<void> {
    const end = this.#end
    // If the incarnation was interrupted or killed while it started, for example because the caller of `spawn` was
    // cancelled, the start has failed, even if `onStart` has caught the cancel and called `ctx.ignore()`.
    const isIgnored = error === notNeeded && this.#persistentCancel === null && end !== killed
    this.revoked = true
    this.#cleaning = true
    this.#takeCancelsBack()
    await this.#release(end?.kind === 'killed')
    const cause =
      end !== null
        ? new ActorStopped(this.child.path, end, false)
        : isCancelled(error)
          ? new UnexpectedCancellation(error)
          : error
    this.#endStart(cause, end ?? (isIgnored ? normal : failure(cause)), isIgnored)
  }

  /**
   * Ends an incarnation that has not started. Other actors may have linked themselves to it or handed ReplyPorts over
   * to it already, even before its task has begun to run.
   */
  #endStart(cause: unknown, reason: ExitReason, isIgnored = false): void {
    this.#requests?.dropAll(() => (cause instanceof Error ? cause : new NoProc(this.child.path)))
    this.#parts?.failPorts(reason)
    this.#parts?.end()
    if (isIgnored) this.ignored()
    else this.failedToStart(cause)
    this.#parts?.breakLinks(reason)
  }

  /** Whether `drain()` was called and nothing is left to do, so that the incarnation can end now. */
  isDrained(): boolean {
    return (
      this.child.draining &&
      !this.hasWork() &&
      // While the actor is suspended, `hasWork()` is false although the mailbox may hold messages. So the mailbox is
      // checked too.
      this.child.mailbox.isEmpty() &&
      (this.#parts?.unanswered ?? 0) === 0 &&
      this.messageLoop.besideCount === 0
    )
  }

  hasWork(): boolean {
    return this.hasRequests || this.messageLoop.hasWork()
  }

  get hasRequests(): boolean {
    return this.#requests !== null && !this.#requests.isEmpty
  }

  /**
   * Called by the task at the end of a burst (messages that are handled without a pause). Returns the future that the
   * task awaits next. If there is work left, the future is done after one turn of the event loop, so that other
   * callbacks can run. Otherwise the future is done when `resume()` is called because of new work.
   */
  #nextTurn(): Future<void> {
    if (this.hasWork()) return sleep(0)
    this.#waker = new Future<void>({ loop: this.child.runtime.loop })
    return this.#waker
  }

  /**
   * Whether the task waits for work. False as soon as a resume or a cancel has ended the wait, even before the task
   * continues.
   */
  get isWaiting(): boolean {
    return this.#waker !== null && !this.#waker.done()
  }

  /**
   * Called when there is new work: a message, a request of `sys`, or a reason to end. If the task waits for work, makes
   * the incarnation do the work in a later turn of the event loop. Otherwise the running burst comes to the work.
   */
  wake(): void {
    const short = this.#shortHandlers
    if (this.#waker === null || short?.turn.isQueued === true) return
    if (short?.canHandleNext() === true) short.turn.push()
    else this.resume()
  }

  /** If the task waits for work, ends this wait, so that the task continues. */
  resume(): void {
    const waker = this.#waker
    if (waker === null) return
    this.#waker = null
    if (!waker.done()) waker.setResult()
  }

  /**
   * Called when a handler has crashed with the error `cause`. If the function `decide` of the child's spec returns
   * `resume`, the actor goes on. Otherwise this incarnation ends. If it is ending already, `cause` is only logged.
   */
  crash(envelope: Envelope, cause: unknown): void {
    if (this.#end !== null) {
      reportLateCrash(this.child, envelope, cause)
      return
    }
    const decision = this.decide(cause)
    if (decision === 'resume') {
      reportResumed(this.child, envelope, cause)
      return
    }
    this.decision = decision
    this.crashedIn = envelope.type
    this.end(failure(cause))
  }

  forgetStashed(envelope: Envelope): void {
    this.#parts?.forgetStashed(envelope)
  }

  /**
   * Makes the incarnation end when the handlers that run now have finished. `reason` is ignored if the incarnation is
   * already ending for another reason.
   */
  end(reason: ExitReason): void {
    this.#end ??= reason
  }

  request(request: SysRequest): void {
    this.#requests ??= new SysRequests()
    this.#requests.add(request)
    this.wake()
  }

  serveRequests(): void {
    this.#requests?.performAll()
  }

  override finish(reason: ExitReason): void {
    if (this.over) return
    this.end(reason)
    this.wake()
  }

  override interrupt(reason: ExitReason): void {
    if (this.over) return
    this.end(reason)
    if (this.#cleaning) return
    this.messageLoop.cancelBeside()
    if (!this.messageLoop.isBusy && this.started) this.wake()
    else this.#persistentCancel ??= new PersistentCancel(this.task, () => this.#cleaning)
  }

  override kill(): void {
    if (this.over || this.#end === killed) return
    this.#end = killed
    this.ownChildren?.killAll()
    const { loop } = this.child.runtime
    this.task.cancel('killed')
    this.messageLoop.cancelBeside()
    this.wake()
    observe(sleep(0), () => {
      loop.callSoon(() => this.#abandon())
    })
  }

  #abandon(): void {
    if (this.over) return
    this.revoked = true
    this.task.cancel('killed')
    for (const { type, sinceMs, promise } of this.messageLoop.abandon()) {
      reportZombie(this, type, sinceMs, promise)
    }
    const hook = this.#hookCaller.abandon()
    if (hook !== null) reportZombie(this, hook.name, 0, hook.promise)
  }

  #takeCancelsBack(): void {
    while (this.task.cancelling() > 0) this.task.uncancel()
  }

  async #shutDown(asked: ExitReason): Promise<void> {
    const { child } = this
    if (asked.kind === 'error') this.messageLoop.cancelBeside()
    // A kill ends this wait too, because `#abandon` then gives up the handlers that still run.
    if (this.messageLoop.besideCount > 0) await this.messageLoop.besideEnded()
    const reason = this.#end ?? asked
    this.#cleaning = true
    child.status = 'stopping'
    if (!restartsAfter(child, reason, this.decision)) child.refuseAsks(reason)
    this.#failAsks(reason)
    this.#takeCancelsBack()
    await this.#release(reason.kind === 'killed')
    if (this.#end !== killed) await this.#runOnStop(reason)
    this.#exit(this.#end === killed ? killed : reason)
  }

  /**
   * Cancels the timers. Cancels the awaitables that were passed to `ctx.pipe()` and have not settled yet. Then stops
   * the children of this incarnation, and waits until the children have ended. The children are killed if `kill` is
   * true, or if this incarnation is cancelled or killed during the wait. Killed children end soon, so even a killed
   * incarnation waits for them. Otherwise the next incarnation would start while they still hold their names.
   */
  async #release(kill: boolean): Promise<void> {
    this.parts.release()
    const children = this.ownChildren
    if (children === null) return
    if (kill) children.killAll()
    await children.stopAll(this.deadline)
    // A cancel during the wait has killed the children. It must not end a wait of `onStop` too.
    this.#takeCancelsBack()
  }

  async #runOnStop(reason: ExitReason): Promise<void> {
    try {
      await this.#hookCaller.call('onStop', (hooks) => hooks.onStop?.(reason))
      // oxlint-disable-next-line @tasktree/no-swallowed-cancel -- the incarnation is ending already
    } catch (error) {
      if (error === abandoned || this.#end === killed) return
      this.reportShutdownError(failure(error))
    }
  }

  #exit(reason: ExitReason): void {
    this.revoked = true
    this.#failAsks(reason)
    this.#requests?.dropAll(() => new ActorStopped(this.child.path, reason, false))
    this.#parts?.end()
    // While `draining` is true, the mailbox refuses messages. The next incarnation handles messages again, so the
    // mailbox must accept messages from now on.
    if (restartsAfter(this.child, reason, this.decision)) this.child.draining = false
    this.ended(reason)
    this.#parts?.breakLinks(reason)
    // Handlers that were killed may have left async functions that still run. These functions belong to the task, so
    // the task would not end without the call of `abandon`.
    if (this.#end === killed) this.child.runtime.loop.callSoon(() => abandon(this.task))
  }

  #failAsks(reason: ExitReason): void {
    this.#parts?.failPorts(reason)
    this.messageLoop.failAsks(() => endedWhileHandling(this.child.path, reason))
  }

  /**
   * Called by `ctx.ignore()`. Throws a value that ends the start of the actor, but not as a failure. When the start is
   * over, throws an InvalidStateError instead.
   */
  ignore(): never {
    if (this.started || this.#cleaning) {
      throw new InvalidStateError(
        `ctx.ignore() belongs in onStart of ${this.child.path}, which is over; ctx.stop() ends a running actor`,
      )
    }
    // oxlint-disable-next-line typescript/only-throw-error -- the value is not an error: it only makes `onStart` end
    throw notNeeded
  }
}
