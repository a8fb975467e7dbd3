import { type CancelledError, type EventLoop, Future, InvalidStateError } from '@tasktree/core'
import { cancelOnAbort, checkOptions, describe } from '@tasktree/core/lowlevel'
import type { ActorIncarnation } from '../actors/actor-incarnation.ts'
import type { ActorChild } from '../actors/actor-child.ts'
import { watchDeadline } from './ask-deadlines.ts'
import { AskTimeout } from '../errors.ts'
import { Envelope } from './envelope.ts'

export interface AskOptions {
  /** Milliseconds to wait for the reply; Infinity: no limit. @defaultValue 5000 */
  timeout?: number | undefined
  /** Gives the ask up when it aborts; when its turn has not come, the handler never runs. */
  signal?: AbortSignal | undefined
  /** While the asking actor waits, it serves the messages that come back to it from this ask. */
  reentrant?: boolean | undefined
}

/** @throws {TypeError} naming the option */
export function checkAskOptions(options: AskOptions): void {
  checkOptions(options)
  const { timeout } = options
  if (timeout !== undefined && (typeof timeout !== 'number' || Number.isNaN(timeout))) {
    throw new TypeError(
      `the option timeout must be a number of milliseconds, got ${describe(timeout)}`,
    )
  }
}

const defaultTimeout = 5000

/** What `ref.ask.method(...)` returns: the reply, or why there will be none. */
export class AskFuture extends Future<unknown> {
  readonly target: ActorChild
  readonly envelope: Envelope
  /** The actor whose handler asks, if one does. */
  readonly asker: ActorIncarnation | null
  /** @internal its place among those with the same timeout */
  deadline = 0
  /** @internal */
  earlier: AskFuture | null = null
  /** @internal */
  later: AskFuture | null = null
  /** @internal */
  disarm: ((ask: AskFuture) => void) | null = null

  constructor(
    loop: EventLoop,
    target: ActorChild,
    type: string,
    args: readonly unknown[],
    asker: ActorIncarnation | null,
  ) {
    super({ loop })
    this.target = target
    this.asker = asker
    this.envelope = new Envelope(type, args, this)
  }

  arm(options: AskOptions | undefined): void {
    if (this.done()) return
    const timeout = options?.timeout ?? defaultTimeout
    if (timeout !== Infinity) watchDeadline(this, timeout)
    if (options?.signal !== undefined) cancelOnAbort(this, options.signal)
  }

  /** The handler's answer; one that comes too late is counted and dropped. */
  reply(value: unknown): void {
    if (this.done()) {
      this.target.runtime.lateReplies++
      return
    }
    this.disarm?.(this)
    this.setResult(value)
  }

  /** There will be no reply. */
  refuse(error: unknown): void {
    if (this.done()) return
    this.disarm?.(this)
    this.setException(error)
  }

  /** A reply that is an error, as an answer. */
  replyError(error: unknown): void {
    if (this.done()) this.target.runtime.lateReplies++
    else this.refuse(error)
  }

  expire(timeout: number): void {
    this.target.withdraw(this.envelope)
    this.refuse(new AskTimeout(this.target.path, this.envelope.type, timeout))
  }

  override cancel(msg?: string | CancelledError): boolean {
    if (this.done()) return super.cancel(msg)
    this.disarm?.(this)
    this.target.withdraw(this.envelope)
    return super.cancel(msg)
  }
}

/**
 * The right to answer one ask later, or from elsewhere: `ctx.reply()`. When its actor ends before it was
 * used, the asker hears of that.
 */
export class ReplyPort<T = unknown> {
  #ask: AskFuture | null
  #owner: ActorIncarnation | null
  #settled = false

  /** @internal use ctx.reply() */
  constructor(ask: AskFuture | null, owner: ActorIncarnation) {
    this.#ask = ask
    this.#owner = owner
    owner.keepPort(this)
  }

  /** Whether it was used. */
  get settled(): boolean {
    return this.#settled
  }

  /** Answers the ask; of a tell, nobody hears it. @throws {InvalidStateError} when it was answered before */
  resolve(value: T): void {
    this.#take('resolve')?.reply(value)
  }

  /** Fails the ask with `error`; the actor lives on. @throws {InvalidStateError} when it was answered before */
  reject(error: unknown): void {
    this.#take('reject')?.replyError(error)
  }

  #take(call: string): AskFuture | null {
    if (this.#settled) throw new InvalidStateError(`${call}: this message was answered before`)
    this.#settled = true
    const ask = this.#ask
    this.#ask = null
    this.#owner?.forgetPort(this)
    this.#owner = null
    return ask
  }

  /** Another actor answers now: when that one ends the asker hears of it, and no longer when this one does. */
  handOver(to: { readonly target: ActorChild }): void {
    const incarnation = to.target.incarnation
    if (this.#settled || incarnation === null) return
    this.#owner?.forgetPort(this)
    this.#owner = incarnation
    incarnation.keepPort(this)
  }

  /** @internal its actor has ended */
  fail(error: unknown): void {
    if (this.#settled) return
    this.#settled = true
    this.#ask?.refuse(error)
    this.#ask = null
    this.#owner = null
  }
}
