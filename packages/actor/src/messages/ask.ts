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
  /**
   * How long the sender waits for the reply, in milliseconds. After that time the ask fails with AskTimeout. Infinity
   * sets no limit.
   * @defaultValue 5000
   */
  timeout?: number | undefined
  /**
   * A signal whose abort cancels the ask. If the message is still in the mailbox at that moment, its handler never
   * runs. A handler that has begun continues.
   */
  signal?: AbortSignal | undefined
  /**
   * Whether the asked actor may itself send an ask to the asking actor, directly or through other actors, before it
   * answers. If true, the asking actor handles that ask at once, while its own handler still waits for the answer. If
   * false, the two actors wait for each other, so the ask that was made last fails with AskCycle.
   * @defaultValue false
   */
  reentrant?: boolean | undefined
  /**
   * A text by which the receiver can recognize this message when it gets the message again: a sender that repeats a
   * message passes the same key each time. The handler reads the key as `ctx.idempotencyKey`, and must itself detect
   * repeated keys; the package does not.
   */
  idempotencyKey?: string | undefined
  /**
   * The context variables that the handler sees. With `copyContext()`, for example, the handler sees the variables of
   * the sender.
   * @defaultValue the context variables of the actor
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
  const { timeout, reentrant, idempotencyKey, context } = options
  checkContext(context)
  if (reentrant !== undefined && typeof reentrant !== 'boolean') {
    throw new TypeError(`the option reentrant must be true or false, got ${describe(reentrant)}`)
  }
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
 * The future that `ref.ask.method(...)` returns. It resolves with the reply, or rejects with an error that says why
 * there is no reply.
 */
export class AskFuture extends Future<unknown> implements ActorWait, Linked<AskFuture> {
  readonly target: ActorChild
  readonly envelope: Envelope
  /** The HandlerFlow (one run of a handler) whose code made this ask; null if the ask was made outside of a handler. */
  readonly asker: HandlerFlow | null
  readonly reentrant: boolean
  /** The key that the sender has given to this message; null if the sender has given no key. */
  idempotencyKey: string | null = null
  /** When the ask fails with AskTimeout, as a time of the event loop's clock. 0 if the ask has no timeout. */
  deadline = 0
  list: LinkedList<AskFuture> | null = null
  nextInList: AskFuture | null = null
  previousInList: AskFuture | null = null
  /**
   * Stops the timeout: removes the ask from the list of asks that fail at their deadline. Null when the ask is in no
   * such list.
   */
  disarm: ((ask: AskFuture) => void) | null = null
  /**
   * The number of this wait: all waits of handlers are numbered in the order in which they began. When handlers wait
   * for each other in a circle, the wait with the highest number fails. 0 until a handler awaits this future.
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

  /**
   * Called once, before the message of this ask is sent. Counts the ask as unanswered, and applies `options`: starts
   * the timeout, and makes an abort of the signal cancel the ask.
   */
  arm(options: AskOptions | undefined): void {
    this.target.pendingAsks++
    if (this.asker !== null) this.asker.pendingAsks++
    this.idempotencyKey = options?.idempotencyKey ?? null
    this.envelope.context = options?.context ?? null
    const timeout = options?.timeout ?? defaultTimeout
    if (timeout !== Infinity) watchDeadline(this, timeout)
    if (options?.signal !== undefined) void cancelOnAbort(this, options.signal)
  }

  /**
   * Called once, when the ask is answered, fails or is cancelled. Stops its timeout, and no longer counts it as
   * unanswered.
   */
  #settle(): void {
    this.disarm?.(this)
    this.target.pendingAsks--
    const { asker } = this
    if (asker === null) return
    asker.pendingAsks--
    // Until now, the answer to this ask could let the handler `asker` continue. From now on, `asker` can continue only
    // when one of its other asks is answered. But the handlers of those asks may themselves wait for `asker`. So the
    // next line starts a check for such a circle.
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

  /** @internal what `why(task)` and `snapshot()` of `@tasktree/core` show for a task that waits for this ask */
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
   * Makes the ask fail with `error`. If the handler of its message has not begun, the handler never runs: the message
   * is removed from the mailbox or the stash. Does nothing if the ask has already ended.
   */
  refuse(error: unknown): void {
    if (this.done()) return
    this.target.withdraw(this.envelope)
    this.#settle()
    if (askTracing.isLive) askTracing.settle(this, { error })
    this.setException(error)
  }

  /**
   * Called when the answer to this ask is an error: its handler threw a ReplyError or an AskCycle, or code called
   * `ReplyPort.reject`. Makes the ask fail with `error`. If the ask has already ended, the answer is dropped, and
   * counted in `system.lateReplies`.
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
