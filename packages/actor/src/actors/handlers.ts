import { isThenable } from '@tasktree/core/lowlevel'
import { ActorStopped } from '../errors.ts'
import { killed } from '../exit-reason.ts'
import { isReentrant } from '../messages/ask-cycle.ts'
import { type Behaviour, dispatch } from '../messages/dispatch.ts'
import { asMessage, type Envelope, type Message } from '../messages/envelope.ts'
import {
  countUnentered,
  HandlerFlow,
  runInFlow,
  switchRunningFlow,
} from '../messages/handler-flow.ts'
import { messageTracing } from '../messages/tracing.ts'
import type { Actor } from './actor.ts'
import type { ActorChild } from './actor-child.ts'
import type { ActorIncarnation } from './actor-incarnation.ts'
import { answerThrown, reportSlow } from './crash.ts'
import { HandlersBeside } from './handlers-beside.ts'

/** An actor hands the loop on after this many messages, or after this many milliseconds. */
const burst = 128
const burstLength = 2
/** The clock is read for that once in this many messages. */
const messagesPerLook = 16

const resolved = Promise.resolve()

/** What `sys.trace` tells of each message. */
export interface TraceEvent {
  readonly message: Message
  readonly ms: number
  readonly error?: unknown
}

interface Callbacks {
  readonly onReturned: (value: unknown) => void
  readonly onThrew: (error: unknown) => void
  /**
   * Called once for each wait: right after `onReturned` when the promise was settled already, and before it otherwise. In
   * the first case the next message may be handled by now, which has a wait of its own.
   */
  readonly onMicrotask: () => void
}

/**
 * Takes the messages of one incarnation from its mailbox and calls their handlers, one at a time.
 *
 * The problem: a handler may be synchronous or not, nobody knows before it is called, and a mailbox may hold 100,000
 * messages. An `await` for each of them would cost more than most handlers.
 *
 * The idea: messages are handled in bursts. A handler that returns no promise is followed by the next one in a plain
 * loop. When a handler returns a promise, the loop stops, and goes on from a callback of that promise. The incarnation's
 * task waits only for the end of the burst.
 */
export class Handlers {
  readonly #incarnation: ActorIncarnation
  readonly #child: ActorChild
  /** The handler that has the actor for itself; those beside it are not meant. */
  main: HandlerFlow | null = null
  /** How many messages this incarnation has handled. */
  handled = 0
  suspended = false
  behaviour: Behaviour | null = null
  trace: ((event: TraceEvent) => void) | null = null
  /** The main flow, if it is one that entered no context of its own: see `HandlerFlow`. */
  unenteredFlow: HandlerFlow | null = null
  #beside: HandlersBeside | null = null
  #inBurst = 0
  #burstEnds = 0
  #onBurstOver: (() => void) | null = null
  #callbacks: Callbacks | null = null
  /** How many promises of handlers were waited for, and for how many of them `#onMicrotask` has run. */
  #waits = 0
  #microtasks = 0
  /** When the running handler was called, or the one before it returned. */
  #now = 0

  constructor(incarnation: ActorIncarnation) {
    this.#incarnation = incarnation
    this.#child = incarnation.child
  }

  /** Whether there is a message to handle. */
  hasWork(): boolean {
    return !this.suspended && !this.#child.mailbox.isEmpty()
  }

  /** How many handlers run beside the main one. */
  get besideCount(): number {
    return this.#beside?.size ?? 0
  }

  /** Handles messages until there is none, or the burst is over. Null when no handler had to be waited for. */
  runBurst(): Promise<void> | null {
    this.#inBurst = 0
    this.#now = performance.now()
    this.#burstEnds = this.#child.runtime.loop.time() + burstLength
    if (this.#handleMessages()) return null
    return new Promise((resolve) => {
      this.#onBurstOver = resolve
    })
  }

  /** Handles the messages that wait. Returns false when a handler returned a promise; the end of that promise continues the burst. */
  #handleMessages(): boolean {
    const incarnation = this.#incarnation
    const { mailbox } = this.#child
    for (;;) {
      if (incarnation.endReason !== null) return true
      incarnation.serveRequests()
      if (this.suspended) return true
      const envelope = mailbox.shift()
      if (envelope === null) return true
      if (mailbox.waiting > 0) this.#child.admitSenders()
      const flow = new HandlerFlow(incarnation, envelope, incarnation.task, this.#now)
      this.main = flow
      try {
        const result = this.call(flow)
        if (isThenable(result)) {
          this.#waitFor(flow, result)
          return false
        }
        this.answer(flow, result)
      } catch (error) {
        this.#threw(flow, error)
      }
      this.#end(flow)
      if (this.#isBurstOver()) return true
    }
  }

  /** Calls the handler. What it returns is a native promise or no promise at all. */
  call(flow: HandlerFlow): unknown {
    const { action, type: method, ask } = flow.envelope
    if (!messageTracing.isOn || action !== null) return this.#call(flow)
    const { path } = this.#child
    const trace = { path, incarnation: this.#incarnation.number, method, ask }
    return messageTracing.run(flow, trace, () => this.#call(flow))
  }

  #call(flow: HandlerFlow): unknown {
    const { kind, action } = flow.envelope
    const enters = kind.entersContext || action !== null || flow !== this.main
    const result = enters
      ? runInFlow(flow, () => this.#dispatch(flow))
      : this.#dispatchRunning(flow)
    if (!isThenable(result)) {
      if (enters) kind.finished(true)
      return result
    }
    if (!enters) {
      this.unenteredFlow = flow
      countUnentered(1)
    }
    if (result instanceof Promise) return result
    // The actor's task waits for a future itself, so that a cancel of the task reaches it.
    const wait = async (): Promise<unknown> => result
    return enters ? runInFlow(flow, wait) : wait()
  }

  #dispatchRunning(flow: HandlerFlow): unknown {
    const outer = switchRunningFlow(flow)
    try {
      return this.#dispatch(flow)
    } finally {
      switchRunningFlow(outer)
    }
  }

  #dispatch({ envelope }: HandlerFlow): unknown {
    const { actor } = this.#incarnation
    return dispatch(actor as Actor, this.behaviour, envelope, this.#child.path)
  }

  #waitFor(flow: HandlerFlow, promise: PromiseLike<unknown>): void {
    flow.promise = promise
    this.#callbacks ??= this.#makeCallbacks()
    const { onReturned, onThrew, onMicrotask } = this.#callbacks
    void promise.then(onReturned, onThrew)
    this.#waits++
    void resolved.then(onMicrotask)
    this.serveWaiting()
  }

  /** Made once, and not for each message. A kill gives the main flow up, and then there is none. */
  #makeCallbacks(): Callbacks {
    return {
      onReturned: (value) => {
        const flow = this.main
        if (flow === null) return
        this.answer(flow, value)
        this.#goOn(flow)
      },
      onThrew: (error) => {
        const flow = this.main
        if (flow === null) return
        this.#threw(flow, error)
        this.#goOn(flow)
      },
      onMicrotask: () => {
        const flow = this.main
        if (++this.#microtasks !== this.#waits || flow === null || flow.promise === null) return
        flow.hasWaited = true
        this.#reportIfSlow(flow, performance.now())
        flow.envelope.kind.finished(false)
      },
    }
  }

  #goOn(flow: HandlerFlow): void {
    if (!flow.hasWaited) flow.envelope.kind.finished(true)
    this.#end(flow)
    if (this.#isBurstOver() || this.#handleMessages()) this.#endBurst()
  }

  #endBurst(): void {
    const onBurstOver = this.#onBurstOver
    this.#onBurstOver = null
    onBurstOver?.()
  }

  #isBurstOver(): boolean {
    if (++this.#inBurst >= burst) return true
    return (
      this.#inBurst % messagesPerLook === 0 && this.#child.runtime.loop.time() > this.#burstEnds
    )
  }

  /** The handler of the main flow has ended, one way or the other. */
  #end(flow: HandlerFlow): void {
    flow.end()
    this.main = null
    if (this.unenteredFlow !== null) {
      this.unenteredFlow = null
      countUnentered(-1)
    }
    const now = performance.now()
    if (!flow.hasWaited) this.#reportIfSlow(flow, now)
    this.#now = now
  }

  #reportIfSlow(flow: HandlerFlow, now: number): void {
    const ms = now - flow.since
    if (ms > this.#child.runtime.loop.slowCallbackDuration) {
      reportSlow(this.#child, flow.envelope, ms)
    }
  }

  /** The handler returned `result`: that is the answer, unless it took the answer on itself, or put the message aside. */
  answer(flow: HandlerFlow, result: unknown): void {
    this.handled++
    this.#traced(flow)
    if (flow.stashed || flow.port !== null) return
    flow.envelope.ask?.reply(result)
  }

  #threw(flow: HandlerFlow, thrown: unknown): void {
    if (messageTracing.isLive) messageTracing.settle(flow, { error: thrown })
    const crash = answerThrown(this.#incarnation, flow, thrown)
    this.#traced(flow, crash)
    if (crash !== null) this.#incarnation.crash(flow.envelope, crash.error)
  }

  /** `crash` is what `answerThrown` returned. */
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

  // Handlers beside the main one.

  /** Whether `envelope` may be handled now although the main handler has not ended. */
  mayServe(envelope: Envelope): boolean {
    if (this.main?.promise == null || this.suspended) return false
    if (this.#incarnation.endReason !== null) return false
    return envelope.kind.interleaves || isReentrant(envelope, this.#incarnation)
  }

  /** Handles `envelope` beside the main handler, which waits. False when it may not. */
  serveBeside(envelope: Envelope): boolean {
    if (!this.mayServe(envelope)) return false
    this.#beside ??= new HandlersBeside(this.#incarnation, this)
    this.#beside.handle(envelope)
    return true
  }

  /** Handles beside the main handler what has come before that began to wait. */
  serveWaiting(): void {
    const { mailbox } = this.#child
    if (!mailbox.mayHaveBeside) return
    for (const envelope of mailbox.takeBeside((each) => this.mayServe(each))) {
      this.serveBeside(envelope)
    }
  }

  cancelBeside(): void {
    this.#beside?.cancelAll()
  }

  /** Settles when no handler runs beside the main flow. A cancel of the task does not cancel this wait. */
  async besideEnded(): Promise<void> {
    await this.#beside?.ended()
  }

  /** Tells the listener of `sys.trace` about a handler beside the main one. */
  traceOf(flow: HandlerFlow, crash: { readonly error: unknown } | null): void {
    this.#traced(flow, crash)
  }

  /** The incarnation ends: an ask whose handler had begun fails. */
  failAsks(makeError: () => Error): void {
    const { main } = this
    if (main === null || main.port !== null || main.stashed) return
    main.envelope.ask?.refuse(makeError())
  }

  /** Gives up the handlers that have not ended although they were cancelled. Their promises go on alone. */
  abandon(): AbandonedHandler[] {
    const flows = this.#beside?.abandon() ?? []
    const flow = this.main
    if (flow !== null && flow.promise !== null) {
      flows.push(flow)
      const { endReason } = this.#incarnation
      flow.envelope.ask?.refuse(new ActorStopped(this.#child.path, endReason ?? killed, true))
      this.#end(flow)
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

/** A handler that goes on although its actor was killed. */
export interface AbandonedHandler {
  readonly type: string
  readonly sinceMs: number
  readonly promise: PromiseLike<unknown>
}
