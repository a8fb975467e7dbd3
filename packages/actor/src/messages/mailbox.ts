import type { CancelledError, EventLoop } from '@tasktree/core'
import { Claim, describe, LinkedList, type WaitDetails, waitDetails } from '@tasktree/core/lowlevel'
import type { ActorChild } from '../actors/actor-child.ts'
import { blockerOfMessage, noteWait } from './ask-cycle.ts'
import type { Envelope } from './envelope.ts'
import type { HandlerFlow } from './handler-flow.ts'
import type { ActorWait } from './wait-graph.ts'

export interface MailboxOptions {
  /** How many messages the mailbox can hold; a positive integer or Infinity. @defaultValue 1000 */
  capacity?: number
  /**
   * What happens to a new message when the mailbox is full. `wait`: the sender waits until there is room, first come
   * first served. `reject` and `drop-newest`: a new tell becomes a dead letter (it is dropped, and kept in
   * `system.deadLetters`), and a new ask fails with MailboxFull. `drop-oldest`: the oldest tell in the mailbox becomes
   * a dead letter to make room; if the mailbox has no tell, `drop-oldest` is like `reject`.
   * @defaultValue 'wait'
   */
  overflow?: 'wait' | 'reject' | 'drop-newest' | 'drop-oldest'
  /**
   * What a restart of the actor does with the messages in the mailbox. `keep`: they are handled after the restart.
   * `drop`: a tell becomes a dead letter (it is dropped, and kept in `system.deadLetters`), and an ask fails with
   * ActorRestarting.
   * @defaultValue 'keep'
   */
  onRestart?: 'keep' | 'drop'
}

const overflows: readonly unknown[] = ['wait', 'reject', 'drop-newest', 'drop-oldest']

/**
 * Checks the options of a mailbox.
 *
 * @throws {TypeError} when an option has a wrong type; the message names the option
 * @throws {RangeError} when the capacity is out of range
 */
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
    throw new TypeError(`mailbox.onRestart must be keep or drop, got ${describe(onRestart)}`)
  }
}

/**
 * The future that a sender awaits while its tell waits for room in a full mailbox. When a place becomes free, the
 * mailbox reserves the place for the message. The message enters the mailbox only when the sender continues. So a
 * sender that is cancelled before it continues has sent nothing. The future resolves with true when the message has
 * entered the mailbox, and with false if the message was dropped.
 */
export class Admission extends Claim<boolean> implements ActorWait {
  readonly envelope: Envelope
  readonly target: ActorChild
  /**
   * The HandlerFlow (one run of a handler) whose code sends the message; null if the message is sent outside of a
   * handler.
   */
  readonly asker: HandlerFlow | null
  /**
   * The number of this wait: all waits of handlers are numbered in the order in which they began. When handlers wait
   * for each other in a circle, the wait with the highest number fails. 0 until a handler awaits this future.
   */
  waitNumber = 0

  constructor(loop: EventLoop, envelope: Envelope, target: ActorChild, asker: HandlerFlow | null) {
    super({ loop })
    this.envelope = envelope
    this.target = target
    this.asker = asker
  }

  /**
   * @internal what `why(task)` and `snapshot()` of `@tasktree/core` show for a task that waits for room in a mailbox
   */
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
 * The mailbox of one actor: the queue of its messages, and the senders that wait until the queue has room.
 *
 * Only messages that programs send count against the capacity. A message that this package itself has made (a timer's
 * tick, a result of `ctx.pipe`, the end of a monitored child) always has room, and is not removed when the mailbox
 * overflows.
 */
export class Mailbox {
  readonly capacity: number
  readonly #overflow: 'wait' | 'reject' | 'drop-newest' | 'drop-oldest'
  readonly #queue = new LinkedList<Envelope>()
  /**
   * How many messages in the queue count against the capacity: all except those that this package itself has made, such
   * as a timer's tick.
   */
  #size = 0
  /**
   * The message at which the search for the oldest tell (for the option `drop-oldest`) begins: no message before it in
   * the queue is a tell. If the field is null, the queue has no tell.
   */
  #firstTell: Envelope | null = null
  /**
   * How many places in the queue are reserved. Each is for the message of a sender that was told that there is room,
   * and that has not continued yet.
   */
  #kept = 0
  #senders: Set<Envelope> | null = null
  /**
   * The messages in the queue that the actor may perhaps handle while another of its handlers waits: messages whose
   * name is in the list `interleave` of the class, and messages that a reentrant ask (an ask with the option
   * `reentrant`) has caused. Without this set, the whole queue would be searched each time a handler begins to wait.
   */
  #beside: Set<Envelope> | null = null

  constructor(options: MailboxOptions | undefined) {
    this.capacity = options?.capacity ?? 1000
    this.#overflow = options?.overflow ?? 'wait'
  }

  get size(): number {
    return this.#size
  }

  /** How many senders wait until the queue has room. */
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

  /** Puts `envelopes` at the front of the queue. The first of them becomes the first in the queue. */
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

  /** Returns the first message of the queue without removing it; null when the queue is empty. */
  first(): Envelope | null {
    return this.#queue.first()
  }

  shift(): Envelope | null {
    const first = this.#queue.first()
    if (first !== null) this.remove(first)
    return first
  }

  /**
   * Removes a message from the queue, or its sender from the senders that wait for room. Returns false if the message
   * is not in the queue and its sender does not wait.
   */
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

  /**
   * Called while a handler of the actor waits. Removes and yields the messages that the actor may handle during the
   * wait: the messages in `#beside` (those that may perhaps be handled early) for which `may` returns true. The other
   * messages stay in the queue until their turn, and `may` is not called for them again.
   */
  *takeBeside(may: (envelope: Envelope) => boolean): Generator<Envelope> {
    for (const envelope of this.#beside ?? []) {
      this.#beside?.delete(envelope)
      if (!may(envelope)) continue
      this.remove(envelope)
      yield envelope
    }
  }

  /**
   * Called for a new message when the queue is full. Decides by the option `overflow` what happens. Returns `wait` if
   * the sender must wait for room, and `refuse` if the new message is refused. Otherwise removes the oldest tell from
   * the queue to make room, and returns this tell.
   */
  overflow(): 'wait' | 'refuse' | Envelope {
    if (this.#overflow === 'wait') return 'wait'
    if (this.#overflow !== 'drop-oldest') return 'refuse'
    return this.#takeOldestTell() ?? 'refuse'
  }

  #takeOldestTell(): Envelope | null {
    let each = this.#firstTell
    while (each !== null && !isTell(each)) each = each.nextInList
    this.#firstTell = each
    if (each !== null) this.remove(each)
    return each
  }

  /**
   * Called when an incarnation (one run of the actor) has ended. Removes the messages that this package itself has
   * made, such as a timer's tick, because they were meant for that incarnation.
   */
  dropInternal(): void {
    for (let each = this.#queue.first(); each !== null;) {
      const next = each.nextInList
      if (each.action !== null) this.remove(each)
      each = next
    }
  }

  /** Adds the sender of `envelope` to the senders that wait for room. */
  wait(envelope: Envelope): void {
    this.#senders ??= new Set()
    this.#senders.add(envelope)
  }

  /**
   * Called when the queue may have room. Finds the sender that has waited longest, removes this sender from the senders
   * that wait, and returns the message of the sender. The caller adds an ask to the queue at once. For a tell, the
   * caller only reserves a place, and the tell is added when its sender continues. Returns null if there is no room, or
   * no sender waits. Also returns null if the message is an ask while a place is reserved for an earlier tell, because
   * the ask must not overtake the tell.
   */
  admit(): Envelope | null {
    const senders = this.#senders
    if (senders === null || senders.size === 0 || this.isFull()) return null
    const envelope = senders.values().next().value as Envelope
    if (envelope.ask !== null && this.#kept > 0) return null
    senders.delete(envelope)
    return envelope
  }

  /** Returns the messages in the queue, and after them the messages of the senders that wait for room. */
  contents(): Envelope[] {
    const all: Envelope[] = []
    for (let each = this.#queue.first(); each !== null; each = each.nextInList) all.push(each)
    return [...all, ...(this.#senders ?? [])]
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
