import type { CancelledError, EventLoop } from '@tasktree/core'
import { Claim, describe } from '@tasktree/core/lowlevel'
import type { ActorChild } from '../actors/actor-child.ts'
import type { Envelope } from './envelope.ts'

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
 * A tell that waits for room. Its message is sent in the sender's own turn, the room being kept for it
 * until then: who is cancelled in the line has sent nothing.
 */
export class Admission extends Claim<boolean> {
  readonly envelope: Envelope
  readonly target: ActorChild

  constructor(loop: EventLoop, envelope: Envelope, target: ActorChild) {
    super({ loop })
    this.envelope = envelope
    this.target = target
  }

  protected override claim(): void {
    this.target.enter(this)
  }

  protected override decline(): void {
    this.target.giveUpRoom()
  }

  override cancel(msg?: string | CancelledError): boolean {
    if (!this.done() && !this.isWoken()) this.target.withdraw(this.envelope)
    return super.cancel(msg)
  }
}

/**
 * The messages of one child, in order, and the senders that wait for room. A doubly linked list: an ask
 * that is given up leaves at once, from any place.
 *
 * Only users' messages count against the capacity. What the library sends, DOWNs and timers, always
 * has room, and is never dropped for another message.
 */
export class Mailbox {
  readonly capacity: number
  readonly overflow: 'wait' | 'reject' | 'drop-newest' | 'drop-oldest'
  #first: Envelope | null = null
  #last: Envelope | null = null
  /** Users' messages in the list. */
  #size = 0
  /** Places kept for senders that were let in and have not had their turn. */
  #kept = 0
  #senders: Set<Envelope> | null = null

  constructor(options: MailboxOptions | undefined) {
    this.capacity = options?.capacity ?? 1000
    this.overflow = options?.overflow ?? 'wait'
  }

  get size(): number {
    return this.#size
  }

  get waiting(): number {
    return this.#senders?.size ?? 0
  }

  isEmpty(): boolean {
    return this.#first === null
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
    const last = this.#last
    envelope.queued = true
    envelope.previous = last
    if (last === null) this.#first = envelope
    else last.next = envelope
    this.#last = envelope
    if (envelope.action === null) this.#size++
  }

  /** Puts envelopes before all others, in their order. */
  unshift(envelopes: readonly Envelope[]): void {
    for (const envelope of envelopes.toReversed()) {
      const first = this.#first
      envelope.queued = true
      envelope.next = first
      if (first === null) this.#last = envelope
      else first.previous = envelope
      this.#first = envelope
      if (envelope.action === null) this.#size++
    }
  }

  shift(): Envelope | null {
    const first = this.#first
    if (first !== null) this.remove(first)
    return first
  }

  /** Takes it out, wherever it is; false when it is in no list. */
  remove(envelope: Envelope): boolean {
    if (!envelope.queued) return this.#senders?.delete(envelope) ?? false
    const { previous, next } = envelope
    if (previous === null) this.#first = next
    else previous.next = next
    if (next === null) this.#last = previous
    else next.previous = previous
    envelope.previous = null
    envelope.next = null
    envelope.queued = false
    if (envelope.action === null) this.#size--
    return true
  }

  /** The first that `test` accepts; it stays. */
  find(test: (envelope: Envelope) => boolean): Envelope | null {
    for (let each = this.#first; each !== null; each = each.next) if (test(each)) return each
    return null
  }

  /** The first that `test` accepts, taken out. */
  take(test: (envelope: Envelope) => boolean): Envelope | null {
    const found = this.find(test)
    if (found !== null) this.remove(found)
    return found
  }

  /** Without what the library sent. */
  dropInternal(): void {
    const internal = (envelope: Envelope): boolean => envelope.action !== null
    while (this.take(internal) !== null);
  }

  /** Puts a sender in the line for room. */
  wait(envelope: Envelope): void {
    this.#senders ??= new Set()
    this.#senders.add(envelope)
  }

  leave(envelope: Envelope): void {
    this.#senders?.delete(envelope)
  }

  /** The next sender in line, when there is room for it; an ask not before the tells that were let in. */
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
