import { type CancelledError, type Context, type EventLoop, Future } from '@tasktree/core'
import {
  cancelOnAbort,
  checkOptions,
  describe,
  type Linked,
  type LinkedList,
  type WaitDetails,
  waitDetails,
} from '@tasktree/core/lowlevel'
import type { ActorChild } from '../actors/actor-child.ts'
import { AskTimeout } from '../errors.ts'
import { blockerOfMessage, checkCycleLater, noteWait } from './ask-cycle.ts'
import { watchDeadline } from './ask-deadlines.ts'
import { Envelope } from './envelope.ts'
import { checkContext } from './check-context.ts'
import type { HandlerFlow } from './handler-flow.ts'
import type { MessageKind } from './message-kind.ts'
import { askMade, askTracing } from './tracing.ts'
import type { ActorWait } from './wait-graph.ts'

export interface AskOptions {
  /** How long to wait for the reply, in milliseconds. Infinity sets no limit. @defaultValue 5000 */
  timeout?: number | undefined
  /** A signal that cancels the ask. If the message is still in the mailbox then, its handler never runs. */
  signal?: AbortSignal | undefined
  /**
   * Whether other actors may call the asking actor back before they answer. If true, the asking actor handles messages
   * that this ask has caused at once, beside the handler that waits for the answer. If false, such messages wait for
   * the end of that handler, so a callback would end in an AskCycle.
   * @defaultValue false
   */
  reentrant?: boolean | undefined
  /**
   * The key of this message, which its handler reads as `ctx.idempotencyKey`. A sender that may send the message again
   * gives it the same key each time. The actor itself does not detect a repeated key.
   */
  idempotencyKey?: string | undefined
  /**
   * The set of context variables that the handler sees. With `copyContext()`, for example, the handler sees the
   * variables of the sender.
   * @defaultValue the context of the actor
   */
  context?: Context | undefined
}

const optionNames: readonly string[] = [
  'timeout',
  'signal',
  'reentrant',
  'idempotencyKey',
  'context',
]

/**
 * Checks the options of an ask.
 * @throws {TypeError} when an option is wrong; the message names the option
 */
export function checkAskOptions(options: AskOptions): void {
  checkOptions(options)
  for (const name of Object.keys(options)) {
    if (optionNames.includes(name)) continue
    throw new TypeError(`ask has no option ${name}; there are ${optionNames.join(', ')}`)
  }
  const { timeout, idempotencyKey, context } = options
  checkContext(context)
  if (idempotencyKey !== undefined && typeof idempotencyKey !== 'string') {
    throw new TypeError(
      `the option idempotencyKey must be a string, got ${describe(idempotencyKey)}`,
    )
  }
  if (timeout !== undefined && (typeof timeout !== 'number' || Number.isNaN(timeout))) {
    throw new TypeError(
      `the option timeout must be a number of milliseconds, got ${describe(timeout)}`,
    )
  }
}

const defaultTimeout = 5000

/**
 * The future that `ref.ask.method(...)` returns. It resolves with the reply, or rejects with the reason why no reply
 * came.
 */
export class AskFuture extends Future<unknown> implements ActorWait, Linked<AskFuture> {
  readonly target: ActorChild
  readonly envelope: Envelope
  /** The HandlerFlow (one run of a handler) that made this ask; null if other code made it. */
  readonly asker: HandlerFlow | null
  readonly reentrant: boolean
  /** The key that the sender has given to this message; null if the sender has given no key. */
  idempotencyKey: string | null = null
  /** The time of the loop's clock at which the ask fails with AskTimeout. */
  deadline = 0
  list: LinkedList<AskFuture> | null = null
  nextInList: AskFuture | null = null
  previousInList: AskFuture | null = null
  /** Removes the ask from the list of asks that wait for their deadline. Null when the ask has no deadline. */
  disarm: ((ask: AskFuture) => void) | null = null
  /**
   * Numbers the waits of all handlers in the order in which they began. When handlers wait for each other in a circle,
   * the wait with the highest number fails. 0 while no handler awaits this future.
   */
  waitNumber = 0

  constructor(
    loop: EventLoop,
    target: ActorChild,
    kind: MessageKind,
    args: readonly unknown[],
    asker: HandlerFlow | null,
    reentrant: boolean,
  ) {
    super({ loop })
    this.target = target
    this.asker = asker
    this.reentrant = reentrant
    this.envelope = new Envelope(kind, args, this)
    if (askMade.hasSubscribers) askMade.publish({ ask: this })
    if (askTracing.isOn) {
      askTracing.run(this, { path: target.path, method: kind.name, ask: this }, () => {})
    }
  }

  /** Called for each new ask, before its message is sent: counts it, starts its timeout, and listens to its signal. */
  arm(options: AskOptions | undefined): void {
    this.target.pendingAsks++
    if (this.asker !== null) this.asker.pendingAsks++
    this.idempotencyKey = options?.idempotencyKey ?? null
    this.envelope.context = options?.context ?? null
    const timeout = options?.timeout ?? defaultTimeout
    if (timeout !== Infinity) watchDeadline(this, timeout)
    if (options?.signal !== undefined) cancelOnAbort(this, options.signal)
  }

  /** Called once, when the ask is answered, fails or is cancelled. Undoes what `arm` has done. */
  #settle(): void {
    this.disarm?.(this)
    this.target.pendingAsks--
    const { asker } = this
    if (asker === null) return
    asker.pendingAsks--
    // One ask of the handler has ended. If the handler now waits only for its other asks, it may be in a circle of
    // handlers that wait for each other.
    if (asker.pendingAsks > 0 && !asker.ended) checkCycleLater(asker)
  }

  /**
   * Completes the ask with `value`. If the ask has already ended, for example by its timeout, the reply is dropped, and
   * counted in `system.lateReplies`.
   */
  reply(value: unknown): void {
    if (this.done()) {
      this.target.runtime.lateReplies++
      return
    }
    this.#settle()
    if (askTracing.isLive) askTracing.settle(this, { result: value })
    this.setResult(value)
  }

  /** @internal describes this wait for `why(task)` and `snapshot()` */
  [waitDetails](): WaitDetails {
    const { mailbox, path, incarnation } = this.target
    const busy = this.blocker() ?? incarnation?.busyFlow ?? null
    const inside = busy === null ? '' : `, it is in ${busy.envelope.type}()`
    return {
      kind: 'ask',
      label: `the answer of actor '${path}' to ${this.envelope.type}()`,
      note: `${mailbox.size} in its mailbox${inside}`,
      next: busy?.task ?? null,
    }
  }

  blocker(): HandlerFlow | null {
    return this.done() ? null : blockerOfMessage(this.target, this.envelope)
  }

  /**
   * Makes the ask fail with `error`, and removes its message from the mailbox. Does nothing if the ask has already
   * ended.
   */
  refuse(error: unknown): void {
    if (this.done()) return
    this.target.withdraw(this.envelope)
    this.#settle()
    if (askTracing.isLive) askTracing.settle(this, { error })
    this.setException(error)
  }

  /**
   * Called when a handler has answered with `error`, by a ReplyError or by `ReplyPort.reject`. If the ask has already
   * ended, the answer is dropped, and counted in `system.lateReplies`.
   */
  replyError(error: unknown): void {
    if (this.done()) this.target.runtime.lateReplies++
    else this.refuse(error)
  }

  expire(timeout: number): void {
    this.refuse(new AskTimeout(this.target.path, this.envelope.type, timeout))
  }

  override cancel(msg?: string | CancelledError): boolean {
    if (this.done()) return super.cancel(msg)
    this.target.withdraw(this.envelope)
    this.#settle()
    if (askTracing.isLive) askTracing.settle(this, { cancelled: true })
    return super.cancel(msg)
  }

  // oxlint-disable-next-line unicorn/no-thenable -- a Future is awaitable; this notes when its asker begins to wait
  override then<R = unknown, E = never>(
    onFulfilled?: ((value: unknown) => R | PromiseLike<R>) | null,
    onRejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    const promise = super.then(onFulfilled, onRejected)
    if (this.asker !== null && !this.done()) noteWait(this, this.asker)
    return promise
  }
}
