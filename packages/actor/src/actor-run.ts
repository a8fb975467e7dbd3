import { createTask, Future, isCancelled, sleep, type Task } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'
import { setActivity } from './activity.ts'
import { type Actor, constructWith, type Hooks } from './actor.ts'
import type { ActorSlot } from './actor-slot.ts'
import { ReplyPort } from './ask.ts'
import { isReentrant } from './ask-cycle.ts'
import { ActorContext } from './context.ts'
import {
  ActorCrashed,
  ActorStopped,
  NoProc,
  ReplyError,
  StashFull,
  UnexpectedCancellation,
} from './errors.ts'
import { type ExitReason, failure, formatThrown, killed, normal, tame } from './exit-reason.ts'
import { abandoned, Handling, isPromiseLike } from './handling.ts'
import { Interruption } from './interruption.ts'
import { asMessage, Envelope, type Message } from './message.ts'
import { type Down, DownEnvelope, Link, Monitor } from './monitor.ts'
import { Nursery } from './nursery.ts'
import { budgetOf, Run } from './run.ts'
import type { ChildRef } from './child-ref.ts'
import type { Slot } from './slot.ts'
import { ActorTimers } from './timers.ts'

/** How many messages are handled, or for how many milliseconds, before other turns of the loop come. */
const burst = 128
const messagesPerLook = 16
const burstLength = 2

const notNeeded: unique symbol = Symbol('not needed')
type Behaviour = Record<string, (...args: never[]) => unknown>

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
  monitors: Set<Monitor> | null = null
  links: Set<Link> | null = null
  suspended = false
  trace: ((event: { message: Message; ms: number; error?: unknown }) => void) | null = null
  #actor: Actor | null = null
  #end: ExitReason | null = null
  #waker: Future<void> | null = null
  readonly #handling = new Handling()
  #awaiting: string | null = null
  #interruption: Interruption | null = null
  #timers: ActorTimers | null = null
  #children: Nursery | null = null
  #ports: Set<ReplyPort> | null = null
  #deferred = false
  #stash: Envelope[] | null = null
  #pipes: Set<Future<unknown>> | null = null
  #control: (() => void)[] | null = null
  #side: Set<Task> | null = null
  /** Its cleanup runs, which no request to stop interrupts. */
  #cleaning = false

  get run(): this {
    return this
  }

  /** Why it is ending, or null. */
  get endReason(): ExitReason | null {
    return this.#end
  }

  get actor(): Actor | null {
    return this.#actor
  }

  get stashed(): number {
    return this.#stash?.length ?? 0
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
      const started = (this.#actor as unknown as Hooks).onStart?.()
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
      await this.#failToStart(this.#startStopped())
      return false
    }
    this.cameUp()
    return true
  }

  #startStopped(): unknown {
    return new ActorStopped(this.slot.path, this.#end ?? killed, false)
  }

  async #failToStart(error: unknown): Promise<void> {
    const end = this.#end
    this.revoked = true
    this.#cleaning = true
    this.#takeCancelsBack()
    await this.#release(end?.kind === 'killed')
    if (error === notNeeded) this.ignored()
    else if (end !== null) this.failedToStart(this.#startStopped())
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
        const result = this.#dispatch(envelope)
        if (isPromiseLike(result)) return result
        this.#answer(envelope, result)
      } catch (error) {
        this.#threw(envelope, error)
      }
      const now = performance.now()
      if (now - before > slowCallbackDuration) this.#reportSlow(envelope, now - before)
      if (this.trace !== null) this.trace({ message: asMessage(envelope), ms: now - before })
      before = now
      this.current = null
      if (count >= burst || (count % messagesPerLook === 0 && home.loop.time() > until)) return null
    }
  }

  #reportSlow(envelope: Envelope, ms: number): void {
    const { home, path, id } = this.slot
    home.log.warn(`${path} kept the thread for ${Math.round(ms)} ms in ${envelope.type}`)
    if (home.observed) {
      home.emit({ type: 'slow', path, id, incarnation: this.number, message: envelope.type, ms })
    }
  }

  #dispatch(envelope: Envelope): unknown {
    const { type, args, action } = envelope
    if (action !== null) return action()
    const actor = this.#actor as unknown as Record<string, unknown>
    const method = this.behaviour?.[type] ?? actor[type]
    if (typeof method !== 'function') {
      throw new ReplyError(`${this.slot.path} has no method ${type}`)
    }
    return Reflect.apply(method, actor, args)
  }

  /** The handler of `current` returned a promise. */
  async #finishCurrent(promise: PromiseLike<unknown>): Promise<void> {
    const envelope = this.current as Envelope
    const before = this.currentSince
    const sync = performance.now() - before
    const { home } = this.slot
    if (sync > home.loop.slowCallbackDuration) this.#reportSlow(envelope, sync)
    this.#serveWhileBusy()
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
    const error = tame(thrown)
    this.#deferred = false
    const { ask } = envelope
    if (error === abandoned || (this.#end !== null && isCancelled(error))) {
      // Whoever ended this actor did; the asker hears of it in `#shutDown`.
      ask?.refuse(new ActorStopped(this.slot.path, this.#end ?? killed, true))
      return
    }
    if (error instanceof ReplyError) {
      if (ask !== null) ask.replyError(error)
      else this.#reportResumed(envelope, error)
      return
    }
    let cause = error
    if (isCancelled(error) || isAbort(error)) {
      if (this.task.cancelling() > 0) {
        this.#end = { kind: 'shutdown', detail: { cancelled: (error as Error).message } }
        ask?.refuse(new ActorStopped(this.slot.path, this.#end, true))
        return
      }
      cause = new UnexpectedCancellation(error)
    }
    ask?.refuse(new ActorCrashed(this.slot.path, cause, true))
    this.#crash(envelope, cause)
  }

  #crash(envelope: Envelope, cause: unknown): void {
    this.trace?.({ message: asMessage(envelope), ms: 0, error: cause })
    const decision = this.#decide(cause)
    if (decision === 'resume') {
      this.#reportResumed(envelope, cause)
      return
    }
    this.decision = decision
    this.slot.home.log.error(
      `${this.slot.path} (incarnation ${this.number}) crashed in ${envelope.type}: ${formatThrown(cause)}`,
      cause,
    )
    this.#end ??= failure(cause)
  }

  #decide(cause: unknown): typeof this.decision {
    const { decide } = this.slot.spec
    if (decide === undefined) return null
    try {
      return decide(cause)
    } catch (error) {
      this.slot.home.log.error(`${this.slot.path}: decide threw`, error)
      return null
    }
  }

  #reportResumed(envelope: Envelope, error: unknown): void {
    const { home, path, id } = this.slot
    home.log.warn(`${path} goes on after ${envelope.type} threw: ${formatThrown(error)}`)
    if (home.observed) {
      const { number: incarnation } = this
      home.emit({ type: 'resumed', path, id, incarnation, error, message: envelope.type })
    }
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
    this.#children?.killAll()
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
    this.emitZombie(what, since === 0 ? 0 : Math.round(performance.now() - since))
    const settled = (): void => this.emitZombieSettled(what)
    promise.then(settled, settled)
  }

  #takeCancelsBack(): void {
    while (this.task.cancelling() > 0) this.task.uncancel()
  }

  async #shutDown(reason: ExitReason): Promise<void> {
    const { slot } = this
    this.#cleaning = true
    slot.status = 'stopping'
    if (!slot.restartsAfter(reason)) slot.refuseAsks(reason)
    this.#failPorts(reason)
    this.#takeCancelsBack()
    this.#timers?.cancelAll()
    for (const side of this.#side ?? []) side.cancel()
    await this.#release(reason.kind === 'killed')
    if (this.#end !== killed) await this.#runOnStop(reason)
    this.#exit(this.#end === killed ? killed : reason)
  }

  /** Ends what the incarnation started. */
  async #release(kill: boolean): Promise<void> {
    this.#timers?.cancelAll()
    for (const pipe of this.#pipes ?? []) pipe.cancel()
    const children = this.#children
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
      const stopped = (this.#actor as unknown as Hooks).onStop?.(reason)
      if (isPromiseLike(stopped)) await this.#settle('onStop', stopped)
    } catch (error) {
      if (error === abandoned || this.#end === killed) return
      this.reportShutdownError(failure(error))
    }
  }

  #exit(reason: ExitReason): void {
    this.revoked = true
    this.#failPorts(reason)
    this.#timers?.cancelAll()
    for (const monitor of this.monitors ?? []) monitor.end()
    this.monitors = null
    const links = this.links
    this.links = null
    const stash = this.#stash
    this.#stash = null
    for (const envelope of stash ?? []) envelope.stashed = false
    if (stash !== null) this.slot.mailbox.unshift(stash)
    this.#dropInternal()
    this.ended(reason)
    for (const link of links ?? []) link.broken(this, reason)
  }

  /** Timers, DOWNs and results were meant for this incarnation. */
  #dropInternal(): void {
    const { mailbox } = this.slot
    const mine = (envelope: Envelope): boolean => envelope.action !== null
    for (let each = mailbox.find(mine); each !== null; each = mailbox.find(mine)) {
      mailbox.remove(each)
    }
  }

  #failPorts(reason: ExitReason): void {
    const { path } = this.slot
    const error =
      reason.kind === 'error'
        ? new ActorCrashed(path, reason.error, true)
        : new ActorStopped(path, reason, true)
    const ports = this.#ports
    this.#ports = null
    for (const port of ports ?? []) port.fail(error)
    this.current?.ask?.refuse(error)
  }

  /** Called after its end, with what nobody will handle. */
  tellUndelivered(messages: readonly Message[]): void {
    const actor = this.#actor as unknown as Hooks | null
    if (actor?.onUndelivered === undefined) return
    const report = (error: unknown): void => {
      this.slot.home.log.error(`${this.slot.path}: onUndelivered threw`, error)
    }
    try {
      const told = actor.onUndelivered(messages)
      if (isPromiseLike(told)) told.then(undefined, report)
    } catch (error) {
      report(error)
    }
  }

  // What the context does.

  ignore(): never {
    // oxlint-disable-next-line typescript/only-throw-error -- no error: it only leaves onStart
    throw notNeeded
  }

  children(): Nursery {
    const { slot } = this
    this.#children ??= new Nursery(slot.path, slot.ref, slot.home)
    return this.#children
  }

  get childSlots(): Slot[] {
    return this.#children?.slots ?? []
  }

  timers(): ActorTimers {
    const { slot } = this
    this.#timers ??= new ActorTimers({
      loop: slot.home.loop,
      push: (envelope) => slot.push(envelope),
      take: (envelope) => slot.mailbox.remove(envelope),
    })
    return this.#timers
  }

  monitor(ref: ChildRef, pinned: boolean): Monitor {
    const monitor = new Monitor(this, ref, pinned)
    this.monitors ??= new Set()
    this.monitors.add(monitor)
    ref.slot.watch(monitor)
    return monitor
  }

  demonitor(monitor: Monitor, flush: boolean): void {
    monitor.end()
    this.monitors?.delete(monitor)
    if (!flush) return
    const { mailbox } = this.slot
    const queued = mailbox.find((e) => e instanceof DownEnvelope && e.down.monitor === monitor)
    if (queued !== null) mailbox.remove(queued)
  }

  deliverDown(down: Down): void {
    const envelope = new DownEnvelope(down, () => {
      const actor = this.#actor as unknown as Hooks
      if (actor.onDown !== undefined) return actor.onDown(down)
      this.slot.home.deadLetter(this.slot.path, envelope, 'unhandled-down')
      return undefined
    })
    this.slot.push(envelope)
  }

  link(other: ActorSlot): void {
    const { run } = other
    if (run === null || run.over) throw new NoProc(other.path)
    if (run === this || this.#linkTo(run) !== undefined) return
    const link = new Link(this, run)
    this.links ??= new Set()
    this.links.add(link)
    run.links ??= new Set()
    run.links.add(link)
  }

  #linkTo(run: ActorRun): Link | undefined {
    return [...(this.links ?? [])].find((link) => link.connects(this, run))
  }

  unlink(other: ActorSlot): void {
    const { run } = other
    const link = run === null ? undefined : this.#linkTo(run)
    if (link === undefined) return
    this.links?.delete(link)
    run?.links?.delete(link)
  }

  pipe<T>(
    future: Future<T>,
    map: (value: T) => unknown,
    onError: ((error: unknown) => unknown) | undefined,
  ): void {
    const pipes = (this.#pipes ??= new Set())
    pipes.add(future)
    observe(future, () => {
      pipes.delete(future)
      if (this.over || this.revoked) {
        if (!future.cancelled()) future.exception()
        return
      }
      this.slot.push(new Envelope('pipe', [], null, () => outcome(future, map, onError)))
    })
  }

  stash(): void {
    const envelope = this.current
    if (envelope === null || envelope.action !== null || envelope.stashed) return
    this.#stash ??= []
    const { capacity } = this.slot.mailbox
    if (this.#stash.length >= capacity) throw new StashFull(this.slot.path, capacity)
    envelope.stashed = true
    this.#stash.push(envelope)
  }

  unstashAll(): void {
    const stash = this.#stash
    this.#stash = null
    if (stash === null) return
    for (const envelope of stash) envelope.stashed = false
    this.slot.mailbox.unshift(stash)
  }

  forgetStashed(envelope: Envelope): void {
    const index = this.#stash?.indexOf(envelope) ?? -1
    if (index >= 0) this.#stash?.splice(index, 1)
  }

  keepPort(port: ReplyPort): void {
    this.#ports ??= new Set()
    this.#ports.add(port)
  }

  forgetPort(port: ReplyPort): void {
    this.#ports?.delete(port)
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
    return this.interleaves(envelope.type) || isReentrant(envelope, this)
  }

  /** What came while the handler was still synchronous. */
  #serveWhileBusy(): void {
    const { mailbox } = this.slot
    if (mailbox.isEmpty() || this.#end !== null) return
    const mayServe = (each: Envelope): boolean =>
      each.action === null && (this.interleaves(each.type) || isReentrant(each, this))
    for (let each = mailbox.find(mayServe); each !== null; each = mailbox.find(mayServe)) {
      mailbox.remove(each)
      this.interleave(each)
    }
  }

  /** Handles a message beside the current one, in a task of its own. */
  interleave(envelope: Envelope): void {
    const task = createTask(() => this.#handleBeside(envelope), {
      name: `${this.slot.path} ${envelope.type}`,
      loop: this.slot.home.loop,
    })
    setActivity(task, { run: this, current: envelope })
    this.#side ??= new Set()
    this.#side.add(task)
    observe(task, () => {
      this.#side?.delete(task)
      if (!task.cancelled()) task.exception()
      envelope.ask?.refuse(new ActorStopped(this.slot.path, this.#end ?? killed, true))
    })
  }

  async #handleBeside(envelope: Envelope): Promise<void> {
    try {
      const result = await this.#dispatch(envelope)
      this.handled++
      envelope.ask?.reply(result)
    } catch (thrown) {
      const error = tame(thrown)
      if (isCancelled(error) && this.#end !== null) throw error
      if (error instanceof ReplyError && envelope.ask !== null) {
        envelope.ask.replyError(error)
        return
      }
      envelope.ask?.refuse(new ActorCrashed(this.slot.path, error, true))
      this.#crash(envelope, error)
      if (this.#end !== null) this.interrupt(this.#end)
    }
  }

  /** How long it may take to stop. */
  get budget(): number {
    return budgetOf(this.slot)
  }
}

/** A future of ours is awaited by the actor's own task, so that a cancel reaches it; a plain promise as it is. */
function inTask(promise: PromiseLike<unknown>): PromiseLike<unknown> {
  return promise instanceof Future ? (async () => promise)() : promise
}

function outcome<T>(
  future: Future<T>,
  map: (value: T) => unknown,
  onError: ((error: unknown) => unknown) | undefined,
): unknown {
  if (future.cancelled() || future.exception() !== null) {
    let error: unknown
    try {
      future.result()
    } catch (thrown) {
      error = thrown
    }
    if (onError === undefined) throw error
    return onError(error)
  }
  return map(future.result())
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
