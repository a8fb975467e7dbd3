import { createTask, Future, isCancelled, sleep, type Task } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'
import { setActivity } from './activity.ts'
import { type Actor, constructWith, type Hooks } from './actor.ts'
import type { ActorSlot } from './actor-slot.ts'
import { ReplyPort } from './ask.ts'
import { isReentrant } from './ask-cycle.ts'
import { type Behaviour, dispatch } from './dispatch.ts'
import { ActorContext } from './context.ts'
import { ActorStopped, NoProc, UnexpectedCancellation } from './errors.ts'
import { type ExitReason, failure, formatThrown, killed, normal, tame } from './exit-reason.ts'
import { abandoned, Handling, inTask, isPromiseLike } from './handling.ts'
import { answerThrown, decide, reportCrash, reportResumed, reportSlow } from './failure.ts'
import { Interleaving } from './interleaving.ts'
import { Interruption } from './interruption.ts'
import { asMessage, type Envelope, type Message } from './message.ts'
import { Nursery } from './nursery.ts'
import { endedWhileHandling, OpenPorts } from './open-ports.ts'
import { Pipes } from './pipes.ts'
import { Relations } from './relations.ts'
import { Run } from './run.ts'
import { Stash } from './stash.ts'
import { ActorTimers } from './timers.ts'

/** How many messages are handled, or for how many milliseconds, before other turns of the loop come. */
const burst = 128
const messagesPerLook = 16
const burstLength = 2

const notNeeded: unique symbol = Symbol('not needed')

/**
 * One incarnation of an actor: one task, which takes the messages from the slot's mailbox one by one. A
 * handler that returns no promise costs no await.
 */
export class ActorRun extends Run {
  declare readonly slot: ActorSlot
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
  readonly #handling = new Handling()
  #awaiting: string | null = null
  #interruption: Interruption | null = null
  #timers: ActorTimers | null = null
  nursery: Nursery | null = null
  #ports: OpenPorts | null = null
  #deferred = false
  #stash: Stash | null = null
  #pipes: Pipes | null = null
  #relations: Relations | null = null
  #control: (() => void)[] | null = null
  #interleaving: Interleaving | null = null
  /** Its cleanup runs, which no request to stop interrupts. */
  #cleaning = false

  get run(): this {
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
    const { home, path } = this.slot
    this.task = createTask(() => this.#live(), { name: path, loop: home.loop })
    setActivity(this.task, this)
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
      const { actorClass, args } = this.slot.spec
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
    if (this.#interruption !== null || this.#end === killed) {
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
    else if (end !== null) this.failedToStart(new ActorStopped(this.slot.path, end, false))
    else this.failedToStart(isCancelled(error) ? new UnexpectedCancellation(error) : error)
  }

  /** Waits for what user code returned; a kill gives the wait up. */
  async #settle(what: string, promise: PromiseLike<unknown>): Promise<unknown> {
    this.#awaiting = what
    try {
      return await this.#handling.begin(inTask(promise))
    } finally {
      this.#handling.end()
      this.#awaiting = null
    }
  }

  #isDrained(): boolean {
    return this.slot.draining && !this.#hasWork() && (this.#ports?.size ?? 0) === 0
  }

  #hasWork(): boolean {
    return this.#control !== null || (!this.suspended && !this.slot.mailbox.isEmpty())
  }

  /** With work left, other turns of the loop come first; without, it waits to be woken. */
  #nextTurn(): Future<void> {
    if (this.#hasWork()) return sleep(0)
    this.#waker = new Future<void>({ loop: this.slot.home.loop })
    return this.#waker
  }

  /** Handles messages until there is none, the burst is over, or one has returned a promise. */
  #drain(): PromiseLike<unknown> | null {
    const { slot } = this
    const { mailbox, home } = slot
    const { slowCallbackDuration } = home.loop
    let before = performance.now()
    const until = home.loop.time() + burstLength
    for (let count = 1; ; count++) {
      if (this.#control !== null) this.#serveControl()
      if (this.#end !== null || this.suspended) return null
      const envelope = mailbox.shift()
      if (envelope === null) return null
      if (mailbox.waiting > 0) slot.admitSenders()
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
      if (now - before > slowCallbackDuration) reportSlow(slot, envelope, now - before)
      if (this.trace !== null) this.trace({ message: asMessage(envelope), ms: now - before })
      before = now
      this.current = null
      if (count >= burst || (count % messagesPerLook === 0 && home.loop.time() > until)) return null
    }
  }

  dispatch(envelope: Envelope): unknown {
    return dispatch(this.#actor as Actor, this.behaviour, envelope, this.slot.path)
  }

  /** The handler of `current` returned a promise. */
  async #finishCurrent(promise: PromiseLike<unknown>): Promise<void> {
    const envelope = this.current as Envelope
    const before = this.currentSince
    const sync = performance.now() - before
    const { home } = this.slot
    if (sync > home.loop.slowCallbackDuration) reportSlow(this.slot, envelope, sync)
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
    const decision = decide(this.slot, cause)
    if (decision === 'resume') {
      reportResumed(this.slot, envelope, cause)
      return
    }
    this.decision = decision
    reportCrash(this.slot, envelope, cause)
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
      this.slot.home.log.error(`${this.slot.path} ends: ${formatThrown(reason.error)}`)
    }
    this.#end ??= reason
    if (this.#cleaning) return
    if (this.current === null && this.started) this.wake()
    else this.#interruption ??= new Interruption(this.task, () => this.#cleaning)
  }

  override kill(): void {
    if (this.over || this.#end === killed) return
    this.#end = killed
    this.nursery?.killAll()
    const { loop } = this.slot.home
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
    const promise = this.#handling.abandon()
    if (promise === null || what === null) return
    this.emitZombie(what, since === 0 ? 0 : Math.round(performance.now() - since), promise)
  }

  #takeCancelsBack(): void {
    while (this.task.cancelling() > 0) this.task.uncancel()
  }

  async #shutDown(reason: ExitReason): Promise<void> {
    const { slot } = this
    this.#cleaning = true
    slot.status = 'stopping'
    if (!slot.restartsAfter(reason)) slot.refuseAsks(reason)
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
    const children = this.nursery
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
    if (this.#stash !== null) this.slot.mailbox.unshift(this.#stash.takeAll())
    // Timers, DOWNs and results were meant for this incarnation.
    this.slot.mailbox.dropInternal()
    this.ended(reason)
    this.#relations?.breakLinks(reason)
  }

  #failAsks(reason: ExitReason): void {
    const error = endedWhileHandling(this.slot.path, reason)
    this.#ports?.failAll(error)
    this.current?.ask?.refuse(error)
  }

  // What the context does.

  ignore(): never {
    // oxlint-disable-next-line typescript/only-throw-error -- no error: it only leaves onStart
    throw notNeeded
  }

  children(): Nursery {
    const { slot } = this
    this.nursery ??= new Nursery(slot.path, slot.ref, slot.home)
    return this.nursery
  }

  timers(): ActorTimers {
    this.#timers ??= new ActorTimers(this.slot)
    return this.#timers
  }

  relations(): Relations {
    this.#relations ??= new Relations(this)
    return this.#relations
  }

  pipes(): Pipes {
    this.#pipes ??= new Pipes((envelope) => this.slot.push(envelope))
    return this.#pipes
  }

  stash(): void {
    const { current, slot } = this
    if (current === null || current.action !== null) return
    this.#stash ??= new Stash(slot.path, slot.mailbox.capacity)
    this.#stash.add(current)
  }

  unstashAll(): void {
    if (this.#stash !== null) this.slot.mailbox.unshift(this.#stash.takeAll())
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
    if (this.slot.draining) this.wake()
  }

  takeReply(): ReplyPort {
    this.#deferred = true
    return new ReplyPort(this.current?.ask ?? null, this)
  }

  // Messages that are served while another is being handled.

  interleaves(type: string): boolean {
    const { interleave } = this.slot.spec.actorClass as unknown as { interleave: readonly string[] }
    return interleave.includes(type)
  }

  serves(envelope: Envelope): boolean {
    if (this.#awaiting === null || this.#end !== null || this.suspended) return false
    return this.#mayInterleave(envelope)
  }

  /** What came while the handler was still synchronous. */
  #serveSideBySide(): void {
    const { mailbox } = this.slot
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
