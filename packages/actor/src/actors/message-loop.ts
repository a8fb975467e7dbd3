import { isThenable } from '@tasktree/core/lowlevel'
import { ActorStopped } from '../errors.ts'
import { killed } from '../exit-reason.ts'
import { isReentrant } from '../messages/call-chain.ts'
import { type Behaviour, callHandler } from '../messages/call-handler.ts'
import { asMessage, type Envelope, type Message } from '../messages/envelope.ts'
import {
  countUnentered,
  HandlerFlow,
  type RunningHandler,
  runInFlow,
  switchRunning,
} from '../messages/handler-flow.ts'
import { messageTracing } from '../messages/tracing.ts'
import type { Actor } from './actor.ts'
import type { ActorChild } from './actor-child.ts'
import type { ActorIncarnation } from './actor-incarnation.ts'
import { answerThrown } from './handler-errors.ts'
import { HandlersBeside } from './handlers-beside.ts'
import { reportSlow } from './slow-handler.ts'

/**
 * An actor handles several messages without a pause, which is called a burst. A burst ends after `maxBurstMessages`
 * messages, or after about `maxBurstMs` milliseconds. Then other callbacks of the event loop can run.
 */
const maxBurstMessages = 128
const maxBurstMs = 2
/**
 * A burst reads the time of the event loop only after each group of this many messages, to check `maxBurstMs`. The
 * milliseconds are counted from the first of these reads.
 */
const messagesPerTimeCheck = 16

const resolved = Promise.resolve()

/** The event that a listener of `sys.trace` gets after each message. */
export interface TraceEvent {
  readonly message: Message
  readonly ms: number
  readonly error?: unknown
}

interface Callbacks {
  readonly onReturned: (value: unknown) => void
  readonly onThrew: (error: unknown) => void
  /**
   * Called in a microtask, once for each promise that a handler has returned. If the promise was pending when the
   * handler returned it, the handler waits, and this callback notes that handlers of this message name need
   * `AsyncLocalStorage.run`. In this case, the call comes before `onReturned` or `onThrew`. If the promise was already
   * settled when the handler returned it, the call comes after `onReturned` or `onThrew`. By then the handler of the
   * next message may have run, and may have returned another promise.
   */
  readonly onMicrotask: () => void
}

/**
 * Takes the messages of one incarnation (run of an actor) from the mailbox and calls their handlers, one at a time.
 *
 * The problem: a handler may be synchronous or asynchronous, and only the call of the handler shows which. A mailbox
 * may hold 100,000 messages. An `await` takes 20 to 40 nanoseconds and the call of a short handler about 12, so an
 * `await` for each message would cost more than most handlers.
 *
 * The idea: messages are handled in bursts, which are limited numbers of messages without a pause. After a handler that
 * returns no promise, a plain loop calls the next handler. When a handler returns a promise, the loop stops, and
 * continues in a callback of that promise. The incarnation's task waits only for the end of the burst.
 */
export class MessageLoop implements RunningHandler {
  readonly incarnation: ActorIncarnation
  readonly #child: ActorChild
  /**
   * The message of the main handler, which is the running handler whose message was taken from the mailbox in order.
   * Null while no such handler runs. Handlers that run while the main handler waits for a promise are in `#beside`.
   */
  #envelope: Envelope | null = null
  /**
   * Describes the current run of the main handler, which is the handler whose message was taken from the mailbox in
   * order; other handlers may run while it waits. Null until code first needs this object, and while no main handler
   * runs.
   */
  #main: HandlerFlow | null = null
  /** How many messages this incarnation has handled. */
  handled = 0
  suspended = false
  behaviour: Behaviour | null = null
  trace: ((event: TraceEvent) => void) | null = null
  /**
   * Null, except in one case: the main handler (whose message was taken from the mailbox in order) was called without
   * `AsyncLocalStorage.run` and now waits for a promise. Code of the handler then cannot find its HandlerFlow (one run
   * of a handler) in the AsyncLocalStorage, and finds it here.
   */
  unenteredFlow: HandlerFlow | null = null
  #beside: HandlersBeside | null = null
  #inBurst = 0
  #burstEnds = 0
  #onBurstOver: (() => void) | null = null
  #callbacks: Callbacks | null = null
  /**
   * `#waits` counts the promises that handlers have returned. `onMicrotask` is called once for each of these promises,
   * and `#microtasks` counts the calls. If the two numbers are equal during a call of `onMicrotask`, the call is for
   * the promise of the newest handler, and not for an older promise.
   */
  #waits = 0
  #microtasks = 0
  /**
   * The value of `performance.now()` at the call of the running handler. The value is read at the end of the previous
   * handler or at the beginning of the burst, because the next handler is called at almost the same time. So one read
   * for each message is enough to measure how long each handler runs.
   */
  #now = 0

  constructor(incarnation: ActorIncarnation) {
    this.incarnation = incarnation
    this.#child = incarnation.child
  }

  /** Returns whether a message is in the mailbox and can be handled now, because the actor is not suspended. */
  hasWork(): boolean {
    return !this.suspended && !this.#child.mailbox.isEmpty()
  }

  /**
   * Whether the first message of the mailbox can be handled now, and its handler is expected to return no promise,
   * because the handler returned none for the previous message of the same name.
   */
  isNextPlain(): boolean {
    return !this.suspended && this.#child.mailbox.first()?.kind.isPlain === true
  }

  /** Whether a main handler runs (a handler whose message was taken from the mailbox in order). */
  get isBusy(): boolean {
    return this.#envelope !== null
  }

  /**
   * The HandlerFlow (one run of a handler) of the main handler, whose message was taken from the mailbox in order. Null
   * while no main handler runs.
   */
  get main(): HandlerFlow | null {
    return this.#envelope === null ? null : this.flow
  }

  /**
   * The HandlerFlow (one run of a handler) of the main handler, whose message was taken from the mailbox in order. A
   * main handler must be running. The object is made only when this getter is called, because most handlers neither
   * wait nor ask, and do not need it.
   */
  get flow(): HandlerFlow {
    const incarnation = this.incarnation
    this.#main ??= new HandlerFlow(
      incarnation,
      this.#envelope as Envelope,
      incarnation.task,
      this.#now,
    )
    return this.#main
  }

  /**
   * Whether the main handler (whose message was taken from the mailbox in order) waits for a promise. Then some other
   * messages may be handled meanwhile.
   */
  get isWaiting(): boolean {
    return this.#main !== null && this.#main.promise !== null
  }

  /**
   * Returns the HandlerFlow (one run of a handler) that handles the message `envelope` now. Null when no handler
   * handles that message.
   */
  flowOf(envelope: Envelope): HandlerFlow | null {
    if (this.#envelope === envelope) return this.flow
    return this.#beside?.flowOf(envelope) ?? null
  }

  /**
   * How many handlers run that were started while a main handler (whose message was taken from the mailbox in order)
   * waited for a promise. These handlers may run longer than that main handler.
   */
  get besideCount(): number {
    return this.#beside?.size ?? 0
  }

  /**
   * Begins a burst: handles messages without a pause, as `#handleMessages` describes. Returns null if the burst has
   * ended during this call. If a handler has returned a promise, the burst goes on when that promise settles; in this
   * case, returns another promise, which resolves at the end of the burst.
   */
  runBurst(onlyPlain = false): Promise<void> | null {
    this.#inBurst = 0
    this.#now = performance.now()
    this.#burstEnds = 0
    if (this.#handleMessages(onlyPlain)) return null
    return new Promise((resolve) => {
      this.#onBurstOver = resolve
    })
  }

  /**
   * Handles messages until the burst ends, and then returns true. A burst ends when the mailbox is empty, when the
   * actor is suspended or is ending, or when a limit of the burst is reached. If `onlyPlain` is true, the burst also
   * ends before a message whose handler is expected to return a promise. Returns false when a handler has returned a
   * promise: the burst continues when that promise settles.
   */
  #handleMessages(onlyPlain = false): boolean {
    const incarnation = this.incarnation
    const { mailbox } = this.#child
    // `isOn` is read before the loop, and not for each message, because this getter checks whether any of five
    // diagnostics channels has a subscriber.
    const isTraced = messageTracing.isOn
    for (;;) {
      if (incarnation.endReason !== null) return true
      if (incarnation.hasRequests) {
        incarnation.serveRequests()
        // A request may run code that stops or kills the actor.
        if (incarnation.endReason !== null) return true
      }
      const envelope = mailbox.first()
      if (envelope === null || this.suspended || (onlyPlain && !envelope.kind.isPlain)) return true
      mailbox.remove(envelope)
      if (mailbox.waiting > 0) this.#child.admitSenders()
      this.#envelope = envelope
      try {
        const result =
          isTraced || !isSimple(envelope) ? this.call(this.flow) : this.#callSimple(envelope)
        if (isThenable(result)) {
          this.#waitFor(this.flow, result)
          return false
        }
        this.answer(envelope, this.#main, result)
      } catch (error) {
        this.#threw(this.flow, error)
      }
      this.#end()
      if (this.#isBurstOver()) return true
    }
  }

  /**
   * Calls the handler of the message in `flow`. Returns the result of a synchronous handler, or the native promise that
   * the handler returned. If the handler returned a Future or another thenable, returns a native promise that settles
   * like that thenable.
   */
  call(flow: HandlerFlow): unknown {
    const { context } = flow.envelope
    return context === null ? this.#callTraced(flow) : context.run(() => this.#callTraced(flow))
  }

  #callSimple(envelope: Envelope): unknown {
    const outer = switchRunning(this)
    let result
    try {
      result = this.#callHandler(envelope)
    } finally {
      switchRunning(outer)
    }
    if (isThenable(result)) return this.#returned(this.flow, result, false)
    if (!envelope.kind.isPlain) envelope.kind.isPlain = true
    return result
  }

  #callTraced(flow: HandlerFlow): unknown {
    const { action, type: method, ask } = flow.envelope
    if (!messageTracing.isOn || action !== null) return this.#call(flow)
    const { path } = this.#child
    const trace = {
      path,
      incarnation: this.incarnation.number,
      method,
      ask,
      message: flow.envelope,
    }
    return messageTracing.run(flow, trace, () => this.#call(flow))
  }

  #call(flow: HandlerFlow): unknown {
    const { kind, action } = flow.envelope
    const enters = kind.entersContext || action !== null || flow !== this.#main
    if (!enters) return this.#callSimple(flow.envelope)
    const result = runInFlow(flow, () => this.#callHandler(flow.envelope))
    if (isThenable(result)) return this.#returned(flow, result, true)
    kind.finished(true)
    kind.isPlain = true
    return result
  }

  /**
   * Called when a handler has returned `result`, which is a promise or another thenable. Returns a native promise that
   * settles like `result`. `enters` is true if the handler was called in `AsyncLocalStorage.run`.
   */
  #returned(flow: HandlerFlow, result: unknown, enters: boolean): unknown {
    flow.envelope.kind.isPlain = false
    if (!enters) {
      this.unenteredFlow = flow
      countUnentered(1)
    }
    if (result instanceof Promise) return result
    // `result` is a Future or another thenable. It is awaited in an async function of the actor's task, so that a
    // cancel of the task reaches the Future.
    const wait = async (): Promise<unknown> => result
    return enters ? runInFlow(flow, wait) : wait()
  }

  #callHandler(envelope: Envelope): unknown {
    const { actor } = this.incarnation
    return callHandler(actor as Actor, this.behaviour, envelope, this.#child.path)
  }

  #waitFor(flow: HandlerFlow, promise: PromiseLike<unknown>): void {
    flow.promise = promise
    this.#callbacks ??= this.#makeCallbacks()
    const { onReturned, onThrew, onMicrotask } = this.#callbacks
    flow.settled = promise.then(onReturned, onThrew) as Promise<void>
    this.#waits++
    void resolved.then(onMicrotask)
    this.#serveWaiting()
  }

  /**
   * Creates the callbacks for the promises that handlers return. They are created once for each incarnation, and not
   * for each message, so they find the handler in `#main`. If a kill has ended the wait for the handler, `#main` is
   * null, and `onReturned` and `onThrew` do nothing.
   */
  #makeCallbacks(): Callbacks {
    return {
      onReturned: (value) => {
        const flow = this.#main
        if (flow === null) return
        this.answer(flow.envelope, flow, value)
        this.#goOn(flow)
      },
      onThrew: (error) => {
        const flow = this.#main
        if (flow === null) return
        this.#threw(flow, error)
        this.#goOn(flow)
      },
      onMicrotask: () => {
        const flow = this.#main
        if (++this.#microtasks !== this.#waits || flow === null || flow.promise === null) return
        flow.hasWaited = true
        this.#reportIfSlow(flow.envelope, performance.now() - flow.since)
        flow.envelope.kind.finished(false)
      },
    }
  }

  #goOn(flow: HandlerFlow): void {
    if (!flow.hasWaited) flow.envelope.kind.finished(true)
    this.#end()
    if (this.#isBurstOver() || this.#handleMessages()) this.#endBurst()
  }

  #endBurst(): void {
    const onBurstOver = this.#onBurstOver
    this.#onBurstOver = null
    onBurstOver?.()
  }

  #isBurstOver(): boolean {
    if (++this.#inBurst >= maxBurstMessages) return true
    if (this.#inBurst % messagesPerTimeCheck !== 0) return false
    const now = this.#child.runtime.loop.time()
    if (this.#burstEnds === 0) this.#burstEnds = now + maxBurstMs
    return now > this.#burstEnds
  }

  /**
   * Called when the main handler (whose message was taken from the mailbox in order) has finished. If the handler
   * returned a promise, the handler has finished when the promise has settled. After a kill, this method is called
   * without waiting for that promise.
   */
  #end(): void {
    const envelope = this.#envelope as Envelope
    const flow = this.#main
    const now = performance.now()
    if (flow === null || !flow.hasWaited) this.#reportIfSlow(envelope, now - this.#now)
    flow?.end()
    this.#now = now
    this.#envelope = null
    this.#main = null
    if (this.unenteredFlow !== null) {
      this.unenteredFlow = null
      countUnentered(-1)
    }
  }

  #reportIfSlow(envelope: Envelope, ms: number): void {
    if (ms > this.#child.runtime.loop.slowCallbackDuration) reportSlow(this.#child, envelope, ms)
  }

  /**
   * Called when a handler has finished with `result`. If the message is an ask, sends `result` to the sender. But if
   * the handler has called `ctx.reply()` or `ctx.stash()`, the answer comes later, and `result` is ignored.
   */
  answer(envelope: Envelope, flow: HandlerFlow | null, result: unknown): void {
    this.handled++
    if (this.trace !== null) this.#traced(flow ?? this.flow)
    if (flow !== null && (flow.stashed || flow.port !== null)) return
    envelope.ask?.reply(result)
  }

  #threw(flow: HandlerFlow, thrown: unknown): void {
    if (messageTracing.isLive) messageTracing.settle(flow, { error: thrown })
    const crash = answerThrown(this.incarnation, flow, thrown)
    this.handled++
    this.#traced(flow, crash)
    if (crash !== null) this.incarnation.crash(flow.envelope, crash.error)
  }

  /**
   * Tells the listener of `sys.trace` that a handler has ended. `crash` holds the error if the handler crashed the
   * actor; otherwise `crash` is null.
   */
  #traced(flow: HandlerFlow, crash: { readonly error: unknown } | null = null): void {
    if (this.trace === null) return
    const ms = performance.now() - flow.since
    const event: TraceEvent = { message: asMessage(flow.envelope), ms, ...crash }
    try {
      this.trace(event)
    } catch (error) {
      this.#child.runtime.log.error(`${this.#child.path}: the listener of sys.trace threw`, error)
    }
  }

  // The methods from here to `threwBeside` are about handlers that run while the main handler (whose message was taken
  // from the mailbox in order) waits for a promise.

  /**
   * Returns true if another handler of this actor waits for a promise, and the message `envelope` may be handled during
   * that wait. The message must be named in `Actor.interleave` or be caused by an ask with the option `reentrant`, and
   * the actor must be neither suspended nor ending.
   */
  mayServe(envelope: Envelope): boolean {
    if (!this.isWaiting || this.suspended) return false
    if (this.incarnation.endReason !== null) return false
    return envelope.kind.interleaves || isReentrant(envelope, this.incarnation)
  }

  /**
   * If another handler of this actor waits for a promise, and the message `envelope` may be handled during that wait,
   * calls the handler of `envelope` and returns true. Otherwise returns false: the message belongs in the mailbox.
   */
  serveBeside(envelope: Envelope): boolean {
    if (!this.mayServe(envelope)) return false
    this.#beside ??= new HandlersBeside(this.incarnation, this)
    this.#beside.handle(envelope)
    return true
  }

  /**
   * Called when a handler begins to wait for a promise. Starts the handlers of those messages in the mailbox that may
   * be handled during that wait.
   */
  #serveWaiting(): void {
    const { mailbox } = this.#child
    // `takeBeside` looks at each message only once. An actor that is ending handles none of them, but the next
    // incarnation may.
    if (!mailbox.mayHaveBeside || this.incarnation.endReason !== null) return
    for (const envelope of mailbox.takeBeside((each) => this.mayServe(each))) {
      this.serveBeside(envelope)
    }
  }

  cancelBeside(): void {
    this.#beside?.cancelAll()
  }

  /**
   * Settles when all handlers that were started while another handler waited for a promise have ended, or when a kill
   * has given them up. The returned promise is a native promise, so a cancel of the task that awaits it does not end
   * the wait.
   */
  async besideEnded(): Promise<void> {
    await this.#beside?.ended()
  }

  /**
   * Called when a handler that ran while another handler waited has thrown. Counts its message as handled, and tells
   * the listener of `sys.trace`. `crash` holds the error if the handler crashed the actor; otherwise `crash` is null.
   */
  threwBeside(flow: HandlerFlow, crash: { readonly error: unknown } | null): void {
    this.handled++
    this.#traced(flow, crash)
  }

  /**
   * Called at the end of the incarnation. If the main handler (whose message was taken from the mailbox in order) still
   * runs, and its message is an ask, the ask fails. An ask whose handler has called `ctx.reply()` or `ctx.stash()` may
   * still be answered, so it does not fail here.
   */
  failAsks(makeError: () => Error): void {
    const main = this.#main
    if (main !== null && (main.port !== null || main.stashed)) return
    this.#envelope?.ask?.refuse(makeError())
  }

  /**
   * Called after a kill, when the cancelled handlers have had time to end. The actor no longer waits for the handlers
   * that still run. Returns these handlers, because the caller reports them.
   */
  abandon(): AbandonedHandler[] {
    const flows = this.#beside?.abandon() ?? []
    const flow = this.#main
    if (flow !== null && flow.promise !== null) {
      flows.push(flow)
      const { endReason } = this.incarnation
      // If the handler has called `ctx.reply()` or `ctx.stash()`, another actor or the next incarnation may still
      // answer.
      if (flow.port === null && !flow.stashed) {
        flow.envelope.ask?.refuse(new ActorStopped(this.#child.path, endReason ?? killed, true))
      }
      this.#end()
      this.#endBurst()
    }
    const now = performance.now()
    return flows.map(({ envelope, since, promise }) => ({
      type: envelope.type,
      sinceMs: Math.round(now - since),
      promise: promise as PromiseLike<unknown>,
    }))
  }
}

/** A handler whose code may still run although its actor was killed. */
export interface AbandonedHandler {
  readonly type: string
  readonly sinceMs: number
  readonly promise: PromiseLike<unknown>
}

/**
 * Whether `#callSimple` can call the handler of a message, without `AsyncLocalStorage.run`, if no tool listens to the
 * channel `tasktree:actor.message`. Three things must hold. The handler is expected not to wait, because only a handler
 * that waits needs `AsyncLocalStorage.run`. The sender has not passed the option `context`. User code has sent the
 * message, and not this package.
 */
function isSimple({ kind, context, action }: Envelope): boolean {
  return !kind.entersContext && context === null && action === null
}
