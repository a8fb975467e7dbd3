import type { CancelledError, EventLoop } from '@tasktree/core'
import { Claim, describe, LinkedList, type WaitDetails, waitDetails } from '@tasktree/core/lowlevel'
import type { ActorChild } from '../actors/actor-child.ts'
import { blockerOfMessage, type Edge, noteWait } from './ask-cycle.ts'
import type { Envelope } from './envelope.ts'
import type { HandlerFlow } from './handler-flow.ts'

export interface MailboxOptions {
  /** How many messages may wait; a positive integer or Infinity. @defaultValue 1000 */
  capacity?: number
  /**
   * What happens to a message that finds the mailbox full. `wait`: the sender waits, first come first
   * served. `reject`: it is refused. `drop-newest`: it is dropped. `drop-oldest`: the oldest tell is
   * dropped for it. An ask is never dropped silently: it fails with MailboxFull. @defaultValue 'wait'
   */
  overflow?: 'wait' | 'reject' | 'drop-newest' | 'drop-oldest'
  /** Whether waiting messages are kept for the next incarnation. @defaultValue 'keep' */
  onRestart?: 'keep' | 'drop'
}

const overflows: readonly unknown[] = ['wait', 'reject', 'drop-newest', 'drop-oldest']

/** @throws {TypeError} @throws {RangeError} naming the option */
export function checkMailbox(options: MailboxOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`mailbox must be an object, got ${describe(options)}`)
  }
  const { capacity, overflow, onRestart } = options
  if (capacity !== undefined) {
    if (typeof capacity !== 'number' || Number.isNaN(capacity)) {
      throw new TypeError(`mailbox.capacity must be a number, got ${describe(capacity)}`)
    }
    if (capacity < 1 || (!Number.isInteger(capacity) && capacity !== Infinity)) {
      throw new RangeError(
        `mailbox.capacity must be a positive integer or Infinity, got ${capacity}`,
      )
    }
  }
  if (overflow !== undefined && !overflows.includes(overflow)) {
    throw new TypeError(
      `mailbox.overflow must be one of ${overflows.join(', ')}; got ${describe(overflow)}`,
    )
  }
  if (onRestart !== undefined && onRestart !== 'keep' && onRestart !== 'drop') {
    throw new TypeError(`mailbox.onRestart must be keep or drop, got ${String(onRestart)}`)
  }
}

/**
 * The future of a tell that waits for room in a full mailbox. Its message enters the mailbox in the sender's own turn, and
 * the room is kept for it until then. So a sender that is cancelled while it waits has sent nothing.
 */
export class Admission extends Claim<boolean> implements Edge {
  readonly envelope: Envelope
  readonly target: ActorChild
  /** The handler that sends; null when other code does. */
  readonly asker: HandlerFlow | null
  /** As in Edge. */
  waitNumber = 0

  constructor(loop: EventLoop, envelope: Envelope, target: ActorChild, asker: HandlerFlow | null) {
    super({ loop })
    this.envelope = envelope
    this.target = target
    this.asker = asker
  }

  /** @internal */
  [waitDetails](): WaitDetails {
    const { mailbox, path } = this.target
    return {
      kind: 'mailbox',
      label: `room in the mailbox of actor '${path}'`,
      note: `${mailbox.size} of ${mailbox.capacity} in it`,
      next: this.blocker()?.task ?? null,
    }
  }

  protected override claim(): void {
    this.target.enter(this)
  }

  protected override decline(): void {
    this.target.giveUpRoom()
  }

  blocker(): HandlerFlow | null {
    return this.done() || this.isWoken() ? null : blockerOfMessage(this.target, this.envelope)
  }

  refuse(error: unknown): void {
    if (this.done()) return
    this.target.withdraw(this.envelope)
    this.setException(error)
  }

  override cancel(msg?: string | CancelledError): boolean {
    if (!this.done() && !this.isWoken()) this.target.withdraw(this.envelope)
    return super.cancel(msg)
  }

  // oxlint-disable-next-line unicorn/no-thenable -- a Future is awaitable; this notes when its sender begins to wait
  override then<R = boolean, E = never>(
    onFulfilled?: ((value: boolean) => R | PromiseLike<R>) | null,
    onRejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    const promise = super.then(onFulfilled, onRejected)
    if (this.asker !== null && !this.done()) noteWait(this, this.asker)
    return promise
  }
}

/**
 * The messages of one child in order, and the senders that wait for room.
 *
 * Only users' messages count against the capacity. A message of the library (a DOWN, a timer's tick) always has room,
 * and is never dropped for another message.
 */
export class Mailbox {
  readonly capacity: number
  readonly overflow: 'wait' | 'reject' | 'drop-newest' | 'drop-oldest'
  readonly #queue = new LinkedList<Envelope>()
  /** How many of the queue are users' messages. */
  #size = 0
  /** No tell comes before this one; null when there is none at all. */
  #firstTell: Envelope | null = null
  /** Places kept for senders that were let in and have not had their turn. */
  #kept = 0
  #senders: Set<Envelope> | null = null
  /** Messages that may be handled beside a handler that waits, so that nobody has to search the queue for them. */
  #beside: Set<Envelope> | null = null

  constructor(options: MailboxOptions | undefined) {
    this.capacity = options?.capacity ?? 1000
    this.overflow = options?.overflow ?? 'wait'
  }

  get size(): number {
    return this.#size
  }

  /** How many senders wait for room. */
  get waiting(): number {
    return this.#senders?.size ?? 0
  }

  isEmpty(): boolean {
    return this.#queue.size === 0
  }

  isFull(): boolean {
    return this.#size + this.#kept >= this.capacity
  }

  keepPlace(): void {
    this.#kept++
  }

  freePlace(): void {
    this.#kept--
  }

  push(envelope: Envelope): void {
    this.#queue.push(envelope)
    this.#entered(envelope)
    if (this.#firstTell === null && isTell(envelope)) this.#firstTell = envelope
  }

  /** Puts envelopes before all others, in their order. */
  unshift(envelopes: readonly Envelope[]): void {
    for (const envelope of envelopes.toReversed()) {
      this.#queue.unshift(envelope)
      this.#entered(envelope)
      if (isTell(envelope)) this.#firstTell = envelope
    }
  }

  #entered(envelope: Envelope): void {
    if (envelope.action === null) this.#size++
    if (envelope.kind.interleaves || envelope.chain !== null) {
      this.#beside ??= new Set()
      this.#beside.add(envelope)
    }
  }

  shift(): Envelope | null {
    const first = this.#queue.first()
    if (first !== null) this.remove(first)
    return first
  }

  /** Takes it out, wherever it is. False when it is neither in the queue nor waits for room. */
  remove(envelope: Envelope): boolean {
    const next = envelope.nextInList
    if (!this.#queue.remove(envelope)) return this.#senders?.delete(envelope) ?? false
    if (envelope === this.#firstTell) this.#firstTell = next
    if (envelope.action === null) this.#size--
    this.#beside?.delete(envelope)
    return true
  }

  /** Whether `envelope` is in the queue, or its sender waits for room. */
  holds(envelope: Envelope): boolean {
    return this.#queue.has(envelope) || (this.#senders?.has(envelope) ?? false)
  }

  get mayHaveBeside(): boolean {
    return this.#beside !== null && this.#beside.size > 0
  }

  /** Takes out the messages that `may` be handled beside a waiting handler. What may not now never may. */
  *takeBeside(may: (envelope: Envelope) => boolean): Generator<Envelope> {
    for (const envelope of this.#beside ?? []) {
      this.#beside?.delete(envelope)
      if (!may(envelope)) continue
      this.remove(envelope)
      yield envelope
    }
  }

  /** The oldest tell, taken out; null when there is none. */
  takeOldestTell(): Envelope | null {
    let each = this.#firstTell
    while (each !== null && !isTell(each)) each = each.nextInList
    this.#firstTell = each
    if (each !== null) this.remove(each)
    return each
  }

  /** Takes out what the library sent, which was meant for the incarnation that has ended. */
  dropInternal(): void {
    for (let each = this.#queue.first(); each !== null;) {
      const next = each.nextInList
      if (each.action !== null) this.remove(each)
      each = next
    }
  }

  /** Puts a sender in the line for room. */
  wait(envelope: Envelope): void {
    this.#senders ??= new Set()
    this.#senders.add(envelope)
  }

  /**
   * The next sender in line, if there is room for its message. An ask enters at once, a tell in its sender's turn; so an
   * ask is not let in before the tells that are still to have theirs.
   */
  admit(): Envelope | null {
    const senders = this.#senders
    if (senders === null || senders.size === 0 || this.isFull()) return null
    const envelope = senders.values().next().value as Envelope
    if (envelope.ask !== null && this.#kept > 0) return null
    senders.delete(envelope)
    return envelope
  }

  takeAll(): Envelope[] {
    const all: Envelope[] = []
    for (let each = this.shift(); each !== null; each = this.shift()) all.push(each)
    return all
  }

  takeSenders(): Envelope[] {
    const all = [...(this.#senders ?? [])]
    this.#senders = null
    return all
  }
}

function isTell(envelope: Envelope): boolean {
  return envelope.action === null && envelope.ask === null
}
