import { createTask, Future, isCancelled, sleep, type Task } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'
import { setFlow } from '../messages/current-message.ts'
import { type Actor, constructWith, type Hooks } from './actor.ts'
import type { ActorChild } from './actor-child.ts'
import { ReplyPort } from '../messages/ask.ts'
import { isReentrant } from '../messages/ask-cycle.ts'
import { type Behaviour, dispatch } from '../messages/dispatch.ts'
import { ActorContext } from './context.ts'
import { ActorStopped, NoProc, UnexpectedCancellation } from '../errors.ts'
import { type ExitReason, failure, formatThrown, killed, normal, tame } from '../exit-reason.ts'
import { abandoned, AbandonableWait, inTask, isPromiseLike } from '../children/abandonable-wait.ts'
import { answerThrown, decide, reportCrash, reportResumed, reportSlow } from './crash.ts'
import { Interleaving } from './interleaving.ts'
import { PersistentCancel } from './persistent-cancel.ts'
import { asMessage, type Envelope, type Message } from '../messages/envelope.ts'
import { UnsupervisedChildren } from '../children/unsupervised-children.ts'
import { endedWhileHandling, OpenPorts } from '../messages/reply-ports.ts'
import { Pipes } from './pipes.ts'
import { Relations } from './relations.ts'
import { Incarnation } from '../children/incarnation.ts'
import { Stash } from '../messages/stash.ts'
import { ActorTimers } from './timers.ts'

/** How many messages are handled, or for how many milliseconds, before other turns of the loop come. */
const burst = 128
const messagesPerLook = 16
const burstLength = 2

const notNeeded: unique symbol = Symbol('not needed')

/**
 * One incarnation of an actor: one task, which takes the messages from the child's mailbox one by one. A
 * handler that returns no promise costs no await.
 */
export class ActorIncarnation extends Incarnation {
  declare readonly child: ActorChild
  override task!: Task<void>
  /** The message that is being handled. */
  current: Envelope | null = null
  currentSince = 0
  handled = 0
  /** Set from outside: the context throws. */
  revoked = false
  trapExit = false
  behaviour: Behaviour | null = null
  suspended = false
  trace: ((event: { message: Message; ms: number; error?: unknown }) => void) | null = null
  #actor: Actor | null = null
  #end: ExitReason | null = null
  #waker: Future<void> | null = null
  readonly #wait = new AbandonableWait()
  #awaiting: string | null = null
  #persistentCancel: PersistentCancel | null = null
  #timers: ActorTimers | null = null
  ownChildren: UnsupervisedChildren | null = null
  #ports: OpenPorts | null = null
  #deferred = false
  #stash: Stash | null = null
  #pipes: Pipes | null = null
  #relations: Relations | null = null
  #control: (() => void)[] | null = null
  #interleaving: Interleaving | null = null
  /** Its cleanup runs, which no request to stop interrupts. */
  #cleaning = false

  get incarnation(): this {
    return this
  }

  /** Why it is ending, or null. */
  get endReason(): ExitReason | null {
    return this.#end
  }

  /** The actor as the library calls it. */
  hooks(): Hooks | null {
    return this.#actor as unknown as Hooks | null
  }

  get actor(): Actor | null {
    return this.#actor
  }

  get stashed(): number {
    return this.#stash?.size ?? 0
  }

  protected override begin(): void {
    const { runtime, path } = this.child
    this.task = createTask(() => this.#live(), { name: path, loop: runtime.loop })
    setFlow(this.task, this)
    // Cancelled before its first step, the body never runs.
    observe(this.task, () => {
      if (this.over) return
      if (this.started) this.#exit(this.#end ?? killed)
      else this.failedToStart(this.task.cancelled() ? new NoProc(path) : this.task.exception())
    })
  }

  /** One function for its whole life: each one more that waits would be memory for every idle actor. */
  async #live(): Promise<void> {
    if (!(await this.#start())) return
    while (this.#end === null) {
      const promise = this.#drain()
      if (promise !== null) {
        await this.#finishCurrent(promise)
        continue
      }
      if (this.#end !== null) break
      if (this.#isDrained()) {
        this.#end = normal
        break
      }
      try {
        await this.#nextTurn()
      } catch (error) {
        if (!isCancelled(error)) throw error
        // A cancel of the task from outside ends the actor.
        this.#end ??= { kind: 'shutdown', detail: { cancelled: error.message } }
      }
    }
    await this.#shutDown(this.#end)
  }

  async #start(): Promise<boolean> {
    try {
      const { actorClass, args } = this.child.spec
      this.#actor = constructWith(
        new ActorContext(this),
        () => new actorClass(...((typeof args === 'function' ? args() : args) as never[])),
      )
      const started = this.hooks()?.onStart?.()
      if (isPromiseLike(started)) await this.#settle('onStart', started)
    } catch (error) {
      await this.#failToStart(tame(error))
      return false
    }
    if (this.#persistentCancel !== null || this.#end === killed) {
      // It came up all the same, and so it cleans up.
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
    this.revoked = true
    this.#cleaning = true
    this.#takeCancelsBack()
    await this.#release(end?.kind === 'killed')
    if (error === notNeeded) this.ignored()
    else if (end !== null) this.failedToStart(new ActorStopped(this.child.path, end, false))
    else this.failedToStart(isCancelled(error) ? new UnexpectedCancellation(error) : error)
  }

  /** Waits for what user code returned; a kill gives the wait up. */
  async #settle(what: string, promise: PromiseLike<unknown>): Promise<unknown> {
    this.#awaiting = what
    try {
      return await this.#wait.begin(inTask(promise))
    } finally {
      this.#wait.end()
      this.#awaiting = null
    }
  }

  #isDrained(): boolean {
    return this.child.draining && !this.#hasWork() && (this.#ports?.size ?? 0) === 0
  }

  #hasWork(): boolean {
    return this.#control !== null || (!this.suspended && !this.child.mailbox.isEmpty())
  }

  /** With work left, other turns of the loop come first; without, it waits to be woken. */
  #nextTurn(): Future<void> {
    if (this.#hasWork()) return sleep(0)
    return (this.#waker = new Future<void>({ loop: this.child.runtime.loop }))
  }

  /** Handles messages until there is none, the burst is over, or one has returned a promise. */
  #drain(): PromiseLike<unknown> | null {
    const { mailbox, runtime } = this.child
    const { slowCallbackDuration } = runtime.loop
    let before = performance.now()
    const until = runtime.loop.time() + burstLength
    for (let count = 1; ; count++) {
      if (this.#control !== null) this.#serveControl()
      if (this.#end !== null || this.suspended) return null
      const envelope = mailbox.shift()
      if (envelope === null) return null
      if (mailbox.waiting > 0) this.child.admitSenders()
      this.current = envelope
      this.currentSince = before
      try {
        const result = this.dispatch(envelope)
        if (isPromiseLike(result)) return result
        this.#answer(envelope, result)
      } catch (error) {
        this.#threw(envelope, error)
      }
      const now = performance.now()
      if (now - before > slowCallbackDuration) reportSlow(this.child, envelope, now - before)
      if (this.trace !== null) this.trace({ message: asMessage(envelope), ms: now - before })
      before = now
      this.current = null
      if (count >= burst || (count % messagesPerLook === 0 && runtime.loop.time() > until))
        return null
    }
  }

  dispatch(envelope: Envelope): unknown {
    return dispatch(this.#actor as Actor, this.behaviour, envelope, this.child.path)
  }

  /** The handler of `current` returned a promise. */
  async #finishCurrent(promise: PromiseLike<unknown>): Promise<void> {
    const envelope = this.current as Envelope
    const before = this.currentSince
    const sync = performance.now() - before
    const { runtime } = this.child
    if (sync > runtime.loop.slowCallbackDuration) reportSlow(this.child, envelope, sync)
    this.#serveSideBySide()
    try {
      this.#answer(envelope, await this.#settle(envelope.type, promise))
    } catch (error) {
      this.#threw(envelope, error)
    }
    this.trace?.({ message: asMessage(envelope), ms: performance.now() - before })
    this.current = null
  }

  #answer(envelope: Envelope, result: unknown): void {
    this.handled++
    const deferred = this.#deferred
    this.#deferred = false
    if (envelope.ask === null || envelope.stashed || deferred) return
    envelope.ask.reply(result)
  }

  #threw(envelope: Envelope, thrown: unknown): void {
    this.#deferred = false
    const end = answerThrown(this, envelope, thrown)
    if (end !== null) this.#end ??= end
  }

  crash(envelope: Envelope, cause: unknown): void {
    this.trace?.({ message: asMessage(envelope), ms: 0, error: cause })
    const decision = decide(this.child, cause)
    if (decision === 'resume') {
      reportResumed(this.child, envelope, cause)
      return
    }
    this.decision = decision
    reportCrash(this.child, envelope, cause)
    this.#end ??= failure(cause)
  }

  wake(): void {
    const waker = this.#waker
    if (waker === null) return
    this.#waker = null
    if (!waker.done()) waker.setResult()
  }

  /** Served before all messages, also while it is suspended. */
  control(action: () => void): void {
    this.#control ??= []
    this.#control.push(action)
    this.wake()
  }

  #serveControl(): void {
    const actions = this.#control
    this.#control = null
    if (actions !== null) for (const action of actions) action()
  }

  override finish(reason: ExitReason): void {
    if (this.over) return
    this.#end ??= reason
    this.wake()
  }

  override interrupt(reason: ExitReason): void {
    if (this.over) return
    if (this.#end === null && reason.kind === 'error') {
      this.child.runtime.log.error(`${this.child.path} ends: ${formatThrown(reason.error)}`)
    }
    this.#end ??= reason
    if (this.#cleaning) return
    if (this.current === null && this.started) this.wake()
    else this.#persistentCancel ??= new PersistentCancel(this.task, () => this.#cleaning)
  }

  override kill(): void {
    if (this.over || this.#end === killed) return
    this.#end = killed
    this.ownChildren?.killAll()
    const { loop } = this.child.runtime
    this.task.cancel('killed')
    this.wake()
    observe(sleep(0), () => {
      loop.callSoon(() => this.#abandon())
    })
  }

  #abandon(): void {
    if (this.over) return
    this.revoked = true
    const what = this.#awaiting
    const since = this.currentSince
    this.task.cancel('killed')
    const promise = this.#wait.abandon()
    if (promise === null || what === null) return
    this.emitZombie(what, since === 0 ? 0 : Math.round(performance.now() - since), promise)
  }

  #takeCancelsBack(): void {
    while (this.task.cancelling() > 0) this.task.uncancel()
  }

  async #shutDown(reason: ExitReason): Promise<void> {
    const { child } = this
    this.#cleaning = true
    child.status = 'stopping'
    if (!child.restartsAfter(reason)) child.refuseAsks(reason)
    this.#failAsks(reason)
    this.#takeCancelsBack()
    this.#timers?.cancelAll()
    this.#interleaving?.cancelAll()
    await this.#release(reason.kind === 'killed')
    if (this.#end !== killed) await this.#runOnStop(reason)
    this.#exit(this.#end === killed ? killed : reason)
  }

  /** Ends what the incarnation started. */
  async #release(kill: boolean): Promise<void> {
    this.#timers?.cancelAll()
    this.#pipes?.cancelAll()
    const children = this.ownChildren
    if (children === null) return
    if (kill) children.killAll()
    try {
      await this.#settle('the end of its children', children.stopAll(this.deadline))
    } catch {
      children.killAll()
    }
  }

  async #runOnStop(reason: ExitReason): Promise<void> {
    try {
      const stopped = this.hooks()?.onStop?.(reason)
      if (isPromiseLike(stopped)) await this.#settle('onStop', stopped)
    } catch (error) {
      if (error === abandoned || this.#end === killed) return
      this.reportShutdownError(failure(error))
    }
  }

  #exit(reason: ExitReason): void {
    this.revoked = true
    this.#failAsks(reason)
    this.#timers?.cancelAll()
    this.#relations?.endMonitors()
    if (this.#stash !== null) this.child.mailbox.unshift(this.#stash.takeAll())
    // Timers, DOWNs and results were meant for this incarnation.
    this.child.mailbox.dropInternal()
    this.ended(reason)
    this.#relations?.breakLinks(reason)
  }

  #failAsks(reason: ExitReason): void {
    const error = endedWhileHandling(this.child.path, reason)
    this.#ports?.failAll(error)
    this.current?.ask?.refuse(error)
  }

  // What the context does.

  ignore(): never {
    // oxlint-disable-next-line typescript/only-throw-error -- no error: it only leaves onStart
    throw notNeeded
  }

  children(): UnsupervisedChildren {
    this.ownChildren ??= new UnsupervisedChildren(
      this.child.path,
      this.child.ref,
      this.child.runtime,
    )
    return this.ownChildren
  }

  timers(): ActorTimers {
    this.#timers ??= new ActorTimers(this.child)
    return this.#timers
  }

  relations(): Relations {
    this.#relations ??= new Relations(this)
    return this.#relations
  }

  pipes(): Pipes {
    this.#pipes ??= new Pipes((envelope) => this.child.push(envelope))
    return this.#pipes
  }

  stash(): void {
    const { current, child } = this
    if (current === null || current.action !== null) return
    this.#stash ??= new Stash(child.path, child.mailbox.capacity)
    this.#stash.add(current)
  }

  unstashAll(): void {
    if (this.#stash !== null) this.child.mailbox.unshift(this.#stash.takeAll())
  }

  forgetStashed(envelope: Envelope): void {
    this.#stash?.forget(envelope)
  }

  keepPort(port: ReplyPort): void {
    this.#ports ??= new OpenPorts()
    this.#ports.keep(port)
  }

  forgetPort(port: ReplyPort): void {
    this.#ports?.forget(port)
    if (this.child.draining) this.wake()
  }

  takeReply(): ReplyPort {
    this.#deferred = true
    return new ReplyPort(this.current?.ask ?? null, this)
  }

  // Messages that are served while another is being handled.

  interleaves(type: string): boolean {
    const { interleave } = this.child.spec.actorClass as unknown as {
      interleave: readonly string[]
    }
    return interleave.includes(type)
  }

  serves(envelope: Envelope): boolean {
    if (this.#awaiting === null || this.#end !== null || this.suspended) return false
    return this.#mayInterleave(envelope)
  }

  /** What came while the handler was still synchronous. */
  #serveSideBySide(): void {
    const { mailbox } = this.child
    if (mailbox.isEmpty() || this.#end !== null) return
    const may = (each: Envelope): boolean => each.action === null && this.#mayInterleave(each)
    for (let each = mailbox.take(may); each !== null; each = mailbox.take(may)) {
      this.interleave(each)
    }
  }

  #mayInterleave(envelope: Envelope): boolean {
    return this.interleaves(envelope.type) || isReentrant(envelope, this)
  }

  /** Handles a message beside the current one. */
  interleave(envelope: Envelope): void {
    this.#interleaving ??= new Interleaving(this)
    this.#interleaving.handle(envelope)
  }
}
